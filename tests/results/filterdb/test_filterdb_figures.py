"""The figures of CNN Filter DB draw what the filters of a tiny study give, and say what they rest on."""

import json
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keyfilters.analysis.basis import fit
from keyfilters.analysis.coefficients import coefficients
from keyfilters.analysis.drift import distributions, drift, symmetric_kl
from keyfilters.analysis.moments import moments
from keyfilters.errors import KeyfiltersError
from keyfilters.store.identity import Job
from keyfilters.study.tables import OUTPUTS
from tests.helpers.tiny_filter_study import KNOWN, SET, FilterStudy, network

SETTINGS = {
    "filterdb_fig3": {"groups": None, "components": 3},
    "filterdb_fig4": {"examples": 2, "bins": 32, "limit": 3.3},
    "filterdb_fig5": {"groups": [{"grouping": "task", "group": "segmentation"}], "components": 3},
    "filterdb_fig6": {},
    "filterdb_fig8": {},
    "filterdb_fig9": {"tasks": ["classification"]},
    "filterdb_fig10": {"family": "ResNet", "task": "classification", "low_resolution": True},
    "filterdb_ablation": {},
    "filterdb_claims": {"samples": 50},
    "filterdb_zoo": {"precision": "float32", "sparse": "at_most", "sparse_share": 0.01},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> FilterStudy:
    return FilterStudy(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def figures(study) -> dict:
    """Every figure with its usual settings: its CSV and the path of that."""
    return {name: make(study, name) for name in SETTINGS}


def make(study, name, folder="figures", **settings):
    """Make a figure; its CSV and the path of that."""
    file = study.results / folder / f"{name}.csv"
    render = getattr(import_module(OUTPUTS[name].module()), name)
    render(study.figure(name, **SETTINGS[name] | settings).description, study.root, file)
    return pd.read_csv(file), file


def filters_of(*names):
    """All filters of some networks, without the store."""
    return np.concatenate([conv.load().reshape(-1, 9) for name in names for conv in network(name).convolutions])


def distribution(study, *names, layers=None):
    bins = study.read_bins()
    filters = filters_of(*names) if layers is None else layers
    counts = [np.histogram(column, bins.edges)[0] for column in coefficients(filters, bins.basis).T]
    return distributions(np.array(counts), bins.width, study.analysis)


def notes(file):
    return " ".join(json.loads(file.with_suffix(".json").read_text())["notes"])


@pytest.mark.parametrize("name", SETTINGS)
def test_a_figure_has_all_files_without_nan_and_the_same_bytes_twice(study, figures, name):
    file = figures[name][1]
    files = sorted(file.parent.glob(f"{name}.*"))
    data = {".parquet"} if OUTPUTS[name].data else set()
    assert {path.suffix for path in files} == {".csv", ".json", ".md", ".png", ".svg"} | data
    for path in files:
        if path.suffix not in (".png", ".parquet"):
            words = path.read_text().lower().replace(",", " ").replace(">", " ").replace("<", " ").split()
            assert not {"nan", "inf", "-inf"} & set(words), path
    assert name == "filterdb_claims" or not pd.read_csv(file).isna().any(axis=None)
    with Image.open(file.with_suffix(".png")) as image:
        assert min(image.size) > 300
    _, again = make(study, name, "again")
    assert [again.with_name(path.name).read_bytes() for path in files] == [path.read_bytes() for path in files]
    assert "2,320 filters of 13 layers of 6 networks" in notes(file)
    assert "Least size of a group: 150 filters, 1 network." in notes(file)


def test_figure3_has_densities_of_the_groups_and_of_all(study, figures):
    frame, file = figures["filterdb_fig3"]
    assert list(frame["group"].unique()) == ["all", "digits", "natural", "people"]
    assert "visual category: vehicles" in notes(file)
    assert frame.groupby("group")["models"].first().to_dict() == {"all": 6, "digits": 2, "natural": 2, "people": 1}
    bins = study.read_bins()
    chosen = frame[(frame["group"] == "natural") & (frame["component"] == 2)]
    values = coefficients(filters_of("one", "two"), bins.basis)[:, 1]
    expected, edges = np.histogram(values, bins.edges, density=True)
    np.testing.assert_array_equal(chosen["count"], np.histogram(values, bins.edges)[0])
    np.testing.assert_allclose(chosen["density"], expected, rtol=1e-5)
    np.testing.assert_allclose(chosen["low"], edges[:-1], rtol=1e-5)


def test_figure3_draws_the_chosen_groups_alone(study):
    frame, _ = make(study, "filterdb_fig3", "other", groups=["people"], components=2)
    assert list(frame["group"].unique()) == ["all", "people"]
    assert frame["component"].max() == 2


def test_figure4_counts_the_first_two_coefficients_of_examples(study, figures):
    frame, file = figures["filterdb_fig4"]
    table = file.with_suffix(".md").read_text()
    first = table.split("\n")[4].split("|")
    name, filters = first[3].strip(), int(first[4].replace(",", ""))
    values = coefficients(filters_of(name), study.read_bins().basis)[:, :2]
    edges = np.linspace(-3.3, 3.3, 33)
    expected = np.histogram2d(*values.T, (edges, edges))[0]
    drawn = frame[frame["example"] == 1]
    assert drawn["count"].sum() == expected.sum() == filters == len(values)
    np.testing.assert_array_equal(np.sort(drawn["count"]), np.sort(expected[expected > 0]))
    assert "Of 5 networks with enough filters" in notes(file)


def test_figure4_draws_a_layer_where_no_network_is_of_its_phenotype(study):
    _, file = make(study, "filterdb_fig4", "other", examples=9)
    table = file.with_suffix(".md").read_text()
    assert "five conv2" in table  # all its filters are zero
    assert "small" not in table


def test_figure5_has_the_bases_of_all_and_of_the_merged_segmentation_tasks(figures):
    frame, _ = figures["filterdb_fig5"]
    assert list(frame["group"].unique()) == ["all", "task segmentation"]
    of_group = frame[frame["group"] == "task segmentation"]
    filters = filters_of("four", "five")
    expected = fit(moments(filters, 9))
    assert set(of_group["filters"]) == {len(filters)}
    assert set(of_group["models"]) == {2}
    np.testing.assert_allclose(of_group["ratio"], expected.ratios, rtol=1e-4, atol=1e-9)
    components = of_group[[f"w{tap}" for tap in range(9)]].to_numpy()
    np.testing.assert_allclose(components, expected.components, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(of_group["cumulative"].iloc[-1], 1, rtol=1e-5)


def test_figure5_has_the_first_convolution_layers_of_all_networks(study):
    frame, _ = make(study, "filterdb_fig5", "first", groups=[{"grouping": "conv_depth", "group": "0"}])
    of_group = frame[frame["group"] == "depth 0"]
    first = [network(name).convolutions[0].load().reshape(-1, 9) for name in KNOWN]
    assert set(of_group["filters"]) == {sum(map(len, first))}
    np.testing.assert_allclose(of_group["ratio"], fit(moments(np.concatenate(first), 9)).ratios, rtol=1e-4)


def test_figure5_leaves_out_a_group_with_too_few_filters(study):
    frame, file = make(study, "filterdb_fig5", "other", groups=[{"grouping": "task", "group": "driving"}])
    assert list(frame["group"].unique()) == ["all"]
    assert "task driving (1 networks, 16 filters)" in notes(file)


def test_figure6_has_the_divergence_of_all_pairs_of_large_networks(study, figures):
    frame, file = figures["filterdb_fig6"]
    assert len(frame) == 10
    assert "small" not in {*frame["one"], *frame["other"]}
    assert "network: small" in notes(file)
    row = frame.set_index(["one", "other"]).loc[("one", "two")]
    expected = symmetric_kl(distribution(study, "one"), distribution(study, "two"))
    np.testing.assert_allclose(row.to_numpy(float), expected, rtol=1e-5)


def test_figure8_has_the_drift_between_groups_in_the_order_of_its_mean(study, figures):
    frame, file = figures["filterdb_fig8"]
    tasks = frame[frame["grouping"] == "task"]
    assert set(tasks["group"]) == {"classification", "segmentation"}
    assert tasks.groupby("group")["models"].first().to_dict() == {"classification": 3, "segmentation": 2}
    value = tasks.set_index(["group", "other"])["drift"]
    one, other = distribution(study, "one", "two", "three"), distribution(study, "four", "five")
    assert value["classification", "segmentation"] == pytest.approx(
        drift(one, other, study.read_bins().basis.ratios), rel=1e-5
    )
    sets = frame[frame["grouping"] == "visual_category"]
    means = sets.groupby("group", sort=False)["drift"].mean()
    assert means.is_monotonic_increasing
    assert "task: driving" in notes(file)
    deciles = frame[frame["grouping"] == "depth_decile"]
    assert list(deciles["group"].unique()) == ["[0.0, 0.1]", "(0.4, 0.5]", "(0.9, 1.0]"]


def test_figure9_compares_networks_of_the_task_by_decile_without_low_resolution_ones(study, figures):
    frame, file = figures["filterdb_fig9"]
    assert {*frame["one"], *frame["other"]} == {"one", "two"}
    assert list(frame["depth_decile"]) == ["[0.0, 0.1]", "(0.9, 1.0]"]
    layers = [network(name).convolutions[0].load().reshape(-1, 9) for name in ("one", "two")]
    one, other = (distribution(study, layers=of) for of in layers)
    assert frame["drift"].iloc[0] == pytest.approx(drift(one, other, study.read_bins().basis.ratios), rel=1e-5)
    assert "2 pairs of 2 networks for classification with 768 filters" in notes(file)
    frame, _ = make(study, "filterdb_fig9", "other", tasks=None)
    assert {*frame["one"], *frame["other"]} == {"one", "two", "four", "five"}


def test_figure9_without_any_pair_says_so(study):
    frame, file = make(study, "filterdb_fig9", "other", tasks=["driving"])
    assert frame.empty
    assert "Deciles without two such networks: [0.0, 0.1], (0.1, 0.2]" in notes(file)


def test_figure10_compares_the_networks_of_a_family(figures):
    frame, _ = figures["filterdb_fig10"]
    assert set(frame["group"]) == {"one", "two", "three"}
    assert dict(zip(frame["group"], frame["family"], strict=True))["three"] == "lowres_resnet9"
    assert (frame.loc[frame["group"] == frame["other"], "drift"] == 0).all()


def test_figure10_leaves_out_other_tasks_and_low_resolution_networks(study):
    frame, file = make(study, "filterdb_fig10", "other", family="net", low_resolution=False)
    assert set(frame["group"]) == {"one", "two"}, "the U-Net segments"
    assert "2 networks for classification" in notes(file)
    frame, _ = make(study, "filterdb_fig10", "other", family="net", task=None)
    assert set(frame["group"]) == {"one", "two", "three", "five"}


def test_claims_have_the_papers_numbers_beside_those_of_all_layers(study, figures):
    frame, file = figures["filterdb_claims"]
    layers = pd.read_csv(study.results / "filterdb" / SET / "layers.csv")
    ours = frame.set_index("statement")["ours"]
    assert ours["the average sparsity S over all layers is 0.12"] == pytest.approx(layers["sparsity"].mean(), rel=1e-5)
    assert ours["9.9 % even show S > 0.5"] == pytest.approx((layers["sparsity"] > 0.5).mean(), rel=1e-5)
    pairs = pd.read_parquet(study.results / "filterdb" / SET / "drift_components.parquet")
    sixth = ours["followed by the sixth, 0.78"]
    assert sixth == pytest.approx(pairs["component_6"].mean(), rel=1e-5)
    inside = frame[frame["statement"].str.contains("family")].iloc[0]
    assert (inside["clusters"], inside["verdict"]) == (0, "too few networks"), "no two networks here are of one family"
    least = frame[frame["measure"] == "least mean S of a decile"]["ours"].item()
    assert least == pytest.approx(layers.groupby("depth_decile")["sparsity"].mean().min(), abs=1e-9)
    assert "1,464,797,156 and 2,320 filters, 21,436 and 13 layers, 647 and 6 networks" in notes(file)
    assert "| the average entropy H is 0.69" in file.with_suffix(".md").read_text()


def test_claims_on_pairs_are_means_over_independent_networks(study, figures):
    ours = figures["filterdb_claims"][0].set_index("statement")["ours"]
    tables = study.results / "filterdb" / SET
    whole, without = (
        pd.read_csv(tables / f"drift_model{suffix}.csv").set_index("group") for suffix in ("", "_ablated")
    )
    pairs = [(one, other) for one in whole.index for other in whole.index if one < other]  # no two of one family
    change = np.mean([whole.loc[pair] - without.loc[pair] for pair in pairs])
    assert ours["no clear correlation between degeneration and shifts"] == pytest.approx(change, rel=1e-4)
    between = [(one, other) for one in ("one", "two", "three") for other in ("four", "five")]
    task = np.mean([whole.loc[pair] - without.loc[pair] for pair in between])
    assert ours["non-degenerated classifiers have a lower average shift"] == pytest.approx(task, rel=1e-4)
    layers = pd.read_csv(tables / "layers.csv")
    classifiers = layers[layers["Task"] == "classification"].set_index("model")
    is_late = classifiers["conv_depth_norm"] > 0.5
    early, late = (classifiers["entropy"][rows].groupby("model").mean() for rows in (~is_late, is_late))
    falls = early - late
    assert ours["entropy decreases with depth for every classifier"] == pytest.approx(falls.mean(), rel=1e-4)


def test_the_ablation_has_the_mean_drift_with_and_without_degenerated_layers(study, figures):
    frame, file = figures["filterdb_ablation"]
    task = frame.set_index("grouping").loc["task"]
    ratios = study.read_bins().basis.ratios
    classification = distribution(study, "one", "two", "three")
    whole = drift(classification, distribution(study, "four", "five"), ratios)
    assert task["mean_drift"] == pytest.approx(whole, rel=1e-5)
    layers = pd.read_csv(study.results / "filterdb" / SET / "layers.csv")
    bad = layers[layers["verdict"].isin(["sparse", "low diversity", "random"])]
    assert {("four", "conv2"), ("five", "conv2")} <= set(zip(bad["model"], bad["layer"], strict=True))
    assert not task.isna().any()
    taken = bad.groupby("model")["filters"].sum()
    assert f"Of the {taken.sum():,} filters taken out, 100% are of" in notes(file)
    assert f"four {taken['four']:,}" in notes(file)
    assert "precision" in notes(file)  # of which there is one, so no pair


def test_figure4_without_any_example_says_so(tmp_path):
    study = FilterStudy(tmp_path, min_filters=1000)
    frame, file = make(study, "filterdb_fig4")
    assert frame.empty
    assert "Least size of a group: 1,000 filters" in notes(file)


@pytest.mark.fault("table", "a set with too few filters for a figure", "no figure; one line")
@pytest.mark.parametrize("name", ["filterdb_fig3", "filterdb_fig4", "filterdb_fig5"])
def test_a_set_with_too_few_filters_is_an_error_in_one_line(study, name):
    with pytest.raises(KeyfiltersError, match=r"lower analysis\.sets\.conv_3x3\.min_filters from 5,000$"):
        make(study, name, min_filters=5000)


@pytest.mark.fault("table", "tables of quality of another key", "no figure; one line")
def test_tables_of_another_key_are_refused(study):
    other = Job("filterdb", SET, {"min_filters": 1}, study.tables.inputs)
    figure = study.figure("filterdb_fig8")
    inputs = {**figure.inputs, "filterdb_fig8/filterdb": other}
    job = Job("filterdb_fig8", "filterdb_fig8", figure.settings, inputs)
    render = import_module("keyfilters.results.filterdb.filterdb_fig8").filterdb_fig8
    with pytest.raises(KeyfiltersError, match=r"tables\.json: not there, or made from other settings"):
        render(job.description, study.root, study.results / "figures/filterdb_fig8.csv")


def test_every_network_of_this_study_is_in_the_tables(study):
    layers = pd.read_csv(study.results / "filterdb" / SET / "layers.csv")
    assert set(layers["model"]) == set(KNOWN)
    assert set(layers.loc[layers["model"].isin(["four", "five"]), "Task"]) == {"segmentation"}
