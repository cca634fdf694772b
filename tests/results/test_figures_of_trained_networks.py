"""The figures of networks that are trained here draw what their filters give, and say what they rest on."""

import json
import re
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keyfilters.analysis import randomness
from keyfilters.analysis.coefficients import coefficients, scale
from keyfilters.analysis.drift import distributions, drift
from keyfilters.errors import KeyfiltersError
from keyfilters.results.depthwise import depthwise_pca, trained_networks
from keyfilters.store import artifacts
from keyfilters.store.identity import Job
from keyfilters.study.tables import OUTPUTS
from tests.helpers.tiny_trained_study import (
    DEPTHWISE,
    EPOCHS,
    REGULAR,
    ROBUST,
    SETS,
    WIDTHS,
    TrainedStudy,
    filters_of_layers,
)

NAN = re.compile(r"(?<![\w+/=])nan(?![\w+/=])")  # not a part of an image in base 64
FLOOR = {"floor": "probability", "epsilon": 2.0**-23}


def of_depthwise(study, name, **settings):
    defaults = {"set": DEPTHWISE, "networks": list(SETS), "min_filters_of_layer": 30}
    return defaults | settings, {f"{name}/filterdb": study.tables[DEPTHWISE]}


def fig1(study, network="apples", **settings):
    defaults = {"set": REGULAR, "network": network, "filters": 15, "kernel": [3, 3], "kinds": ["regular"]}
    inputs = {"network": study.extracts[network]}
    if network in study.networks:
        inputs["training"] = study.networks[network]
    return defaults | settings, {f"filterdb_fig1/{role}": job for role, job in inputs.items()}


def fig2(study, **settings):
    defaults = {"set": REGULAR, "robust": [ROBUST], "weights_per_picture": 1.0, "min_filters": 100, "min_layers": 2}
    inputs = {f"network/{name}": job for name, job in study.networks.items()}
    return defaults | settings, {"filterdb_fig2/filterdb": study.tables[REGULAR], **inputs}


def fig7(study, **settings):
    inputs = {f"epoch/{epoch}": study.histograms[epoch] for epoch in EPOCHS}
    inputs |= {"filterdb_fig7/basis": study.basis, "filterdb_fig7/network": inputs["epoch/2"].inputs["filters"]}
    return {"set": REGULAR, "min_filters": 100, **FLOOR, **settings}, inputs


def reproducibility(study, **settings):
    """Apples and pears are two seeds of one network, plums another set."""
    order = [["apples", "fruit", "net"], ["pears", "fruit", "net"], ["plums", "plums", "net"]]
    inputs = {"filterdb_reproducibility/basis": study.basis}
    for name, job in study.networks.items():
        inputs |= {f"network/{name}": job, f"histograms/{name}": study.histograms[name]}
    return {"set": REGULAR, "min_filters": 100, "draws": 3, "networks": order, **FLOOR, **settings}, inputs


def pca(study, **settings):
    sets = {name: {"kernel": [3, 3], "min_filters": 100} for name in (REGULAR, DEPTHWISE)}
    return {"sets": sets, **settings}, {"depthwise_pca/basis": study.basis, "depthwise_pca/layers": study.layers}


def of_drift(study, **settings):
    defaults, inputs = of_depthwise(study, "depthwise_drift", min_filters=50, draws=3, samples=200, **FLOOR)
    inputs |= {"depthwise_drift/basis": study.basis}
    return defaults | settings, inputs | {f"depthwise_drift/{name}": study.histograms[name] for name in SETS}


def quality(study, **settings):
    return of_depthwise(study, "depthwise_quality", **settings)


def patterns(study, **settings):
    defaults = {"sets": {REGULAR: {"kernel": [3, 3], "kinds": ["regular"]}}, "precision": "float32", "samples": 200}
    defaults |= {"counts": [1, 8, 16], "drawn": 8, "filters_of_network": 100}
    inputs = {f"filterdb/{name}": study.tables[name] for name in (REGULAR, DEPTHWISE)}
    return defaults | settings, inputs | {f"filters/{name}": job for name, job in study.extracts.items()}


def covariance(study, **settings):
    defaults = {"sets": [REGULAR, DEPTHWISE], "parts": 2, "min_filters_of_layer": 20, "samples": 200}
    inputs = {f"filterdb/{name}": study.tables[name] for name in (REGULAR, DEPTHWISE)}
    return defaults | settings, inputs | {"depthwise_covariance/layers": study.layers}


JOBS = {
    "filterdb_fig1": fig1,
    "filterdb_fig2": fig2,
    "filterdb_fig7": fig7,
    "filterdb_reproducibility": reproducibility,
    "depthwise_pca": pca,
    "depthwise_drift": of_drift,
    "depthwise_quality": quality,
    "depthwise_patterns": patterns,
    "depthwise_covariance": covariance,
}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> TrainedStudy:
    return TrainedStudy(tmp_path_factory.mktemp("study"))


def make(study, name, folder="figures", **settings):
    """Make a figure; its CSV and the path of that."""
    file = study.results / folder / f"{name}.csv"
    job = Job(name, name, *JOBS[name](study, **settings))
    getattr(import_module(OUTPUTS[name].module()), name)(job.description, study.root, file)
    return pd.read_csv(file, keep_default_na=False), file


@pytest.fixture(scope="module")
def figures(study) -> dict:
    return {name: make(study, name) for name in JOBS}


def shares(study, name, filters):
    bins = study.bins(name)
    counts = [np.histogram(column, bins.edges)[0] for column in coefficients(filters, bins.basis).T]
    return distributions(np.array(counts), bins.width, study.analysis)


def drift_of(study, name, one, other):
    return drift(shares(study, name, one), shares(study, name, other), study.bins(name).basis.ratios)


@pytest.mark.parametrize("name", JOBS)
def test_all_files_are_there_without_nan_and_say_what_they_rest_on(name, figures):
    _, file = figures[name]
    record = json.loads(file.with_suffix(".json").read_text())
    assert set(record["files"]) == {f"{name}.{suffix}" for suffix in ("csv", "md", "svg", "png")}
    with Image.open(file.with_suffix(".png")) as image:
        assert min(image.size) > 100
    for suffix in (".csv", ".md", ".svg"):
        assert not NAN.search(file.with_suffix(suffix).read_text())
    notes = " ".join(record["notes"])
    assert "network" in notes
    assert "filters" in notes
    assert "Study `results`" in notes


@pytest.mark.parametrize("name", ["filterdb_reproducibility", "depthwise_drift", "filterdb_fig2", "depthwise_patterns"])
def test_what_is_drawn_at_random_is_always_the_same(name, study, figures):
    _, again = make(study, name, "again")
    for suffix in (".csv", ".md", ".svg"):
        assert again.with_suffix(suffix).read_bytes() == figures[name][1].with_suffix(suffix).read_bytes()


def test_figure1_draws_the_first_filters_of_every_layer(figures):
    frame, _ = figures["filterdb_fig1"]
    columns = [f"w{y}{x}" for y in range(3) for x in range(3)]
    for (_, rows), filters in zip(frame.groupby("layer"), filters_of_layers("apples", True), strict=True):
        assert len(rows) == min(15, len(filters))
        assert rows[columns].to_numpy(float) == pytest.approx(filters[: len(rows)], rel=1e-5)
        assert rows["peak"].iloc[0] == pytest.approx(np.abs(filters).max(), rel=1e-5)


def test_figure1_draws_zero_and_constant_layers(study):
    frame, file = make(study, "filterdb_fig1", "degenerate", network=ROBUST)
    assert frame.groupby("layer")["peak"].first().tolist()[:2] == [0, 1]
    rows = [line.replace(" ", "").split("|") for line in file.with_suffix(".md").read_text().splitlines()[4:6]]
    assert [row[-3:-1] for row in rows] == [["1.000", "0.000"], ["0.000", "0.000"]]  # sparsity and entropy


def test_figure1_refuses_a_network_without_such_filters(study):
    with pytest.raises(KeyfiltersError, match="no 5x5 filters; set another `network`"):
        make(study, "filterdb_fig1", "refused", kernel=[5, 5])


def test_figure2_tells_classes_by_weights_for_each_image_and_by_the_list(figures):
    frame, _ = figures["filterdb_fig2"]
    classes = frame.groupby("model")["class"].unique().map(list).to_dict()
    # 1,000 weights: the layer's, not the norm's
    assert classes == {
        "apples": ["over-parameterised"],
        "pears": ["over-parameterised"],
        "plums": ["regular"],
        ROBUST: ["robust"],
    }
    robust = frame[frame["class"] == "robust"]
    assert robust["depth_decile"].tolist() == ["[0.0, 0.1]", "(0.4, 0.5]", "(0.9, 1.0]"]  # in the file's order
    assert robust["sparsity"].astype(float).tolist() == [1, 0, 0]
    assert not frame.loc[frame["filters"] == 12, "judged"].any()


def test_figure2_leaves_out_small_classes_and_says_so(study):
    frame, file = make(study, "filterdb_fig2", "small", min_filters=450)
    assert set(frame["class"]) == {"over-parameterised"}
    assert "Left out, for too few filters: robust, regular." in file.with_suffix(".md").read_text()


def test_figure2_changes_its_classes_with_the_rule(study):
    frame, _ = make(study, "filterdb_fig2", "rule", weights_per_picture=0.01, robust=[])
    assert frame.groupby("class")["model"].nunique().to_dict() == {"over-parameterised": 3, "regular": 1}


def test_figure2_has_a_class_for_each_set_of_over_parameterised_networks_if_asked_to(study):
    frame, file = make(study, "filterdb_fig2", "sets", by_training_set=True)
    over = {"over-parameterised, Apples": ["apples"], "over-parameterised, Pears": ["pears"]}
    classes = frame.groupby("class")["model"].unique().map(list).to_dict()
    assert classes == {**over, "robust": [ROBUST], "regular": ["plums"]}
    shown = json.loads(file.with_suffix(".json").read_text())["shown"]["rows"]
    assert [row[0] for row in shown] == [*over, "robust", "regular"]


def test_figure7_shows_densities_of_each_epoch(study, figures):
    frame, _ = figures["filterdb_fig7"]
    bins = study.bins(REGULAR)
    densities = frame.iloc[:, 4:].to_numpy(float)
    assert densities.sum(axis=1) * bins.width == pytest.approx(1, rel=1e-4)
    last = np.concatenate(filters_of_layers("apples", True, EPOCHS[-1]))
    first = np.concatenate(filters_of_layers("apples", True, EPOCHS[0]))
    for number, column in enumerate(coefficients(last, bins.basis).T):
        expected = np.histogram(column, bins.edges, density=True)[0]
        row = (frame["epoch"] == EPOCHS[-1]) & (frame["component"] == number + 1)
        assert densities[row.to_numpy()][0] == pytest.approx(expected, rel=1e-4)
        assert frame.loc[row, "deviation"].item() == pytest.approx(column.std(), abs=bins.width)
    drift_to_last = frame.groupby("epoch")["drift_to_last"].first()
    assert drift_to_last[EPOCHS[-1]] == 0
    assert drift_to_last[EPOCHS[0]] == pytest.approx(drift_of(study, REGULAR, first, last), rel=1e-5)


def test_figure7_refuses_a_network_with_too_few_filters(study):
    with pytest.raises(KeyfiltersError, match="252 filters of the set regular_3x3, less than 300"):
        make(study, "filterdb_fig7", "refused", min_filters=300)


def test_reproducibility_compares_seeds_and_sets(study, figures):
    frame, _ = figures["filterdb_reproducibility"]
    assert frame[["between", "networks", "pairs"]].to_numpy().tolist() == [["seeds", 2, 1], ["sets", 3, 2]]
    filters = {name: np.concatenate(filters_of_layers(name, True)) for name in SETS}
    seeds, sets = frame.to_dict("records")
    assert seeds["mean_drift"] == pytest.approx(drift_of(study, REGULAR, filters["apples"], filters["pears"]), rel=1e-5)
    others = [drift_of(study, REGULAR, filters[name], filters["plums"]) for name in ("apples", "pears")]
    assert sets["mean_drift"] == pytest.approx(np.mean(others), rel=1e-5)
    assert sets["largest_drift"] == pytest.approx(max(others), rel=1e-5)
    assert (float(seeds["accuracy"]), float(seeds["deviation"])) == (pytest.approx(55), pytest.approx(7.07107))
    assert sets["accuracy"] == ""


def test_reproducibility_leaves_out_small_networks(study):
    with pytest.raises(KeyfiltersError, match="less than two networks with 300 filters"):
        make(study, "filterdb_reproducibility", "refused", min_filters=300)


def test_the_depthwise_basis_is_that_of_the_filters(figures):
    from sklearn.decomposition import PCA

    frame, _ = figures["depthwise_pca"]
    filters = scale(np.concatenate([layer for name in SETS for layer in filters_of_layers(name, False)]))
    expected = PCA().fit(filters.astype(float))
    rows = frame[frame["set"] == DEPTHWISE]
    components = rows["weight"].to_numpy(float).reshape(9, 9)
    assert np.abs((components * expected.components_).sum(axis=1)) == pytest.approx(1, abs=1e-4)
    ratios = rows.groupby("component")["ratio"].first()
    assert ratios.to_numpy(float) == pytest.approx(expected.explained_variance_ratio_, rel=1e-4)


def test_a_set_with_too_few_filters_has_no_basis_drawn(study):
    sets = {name: {"kernel": [3, 3], "min_filters": least} for name, least in ((REGULAR, 10), (DEPTHWISE, 1000))}
    frame, file = make(study, "depthwise_pca", "small", sets=sets)
    assert set(frame["set"]) == {REGULAR}
    assert f"Left out, for too few filters: {DEPTHWISE}." in file.with_suffix(".md").read_text()
    with pytest.raises(KeyfiltersError, match="no set with enough filters"):
        make(study, "depthwise_pca", "none", sets={DEPTHWISE: sets[DEPTHWISE]})


def test_drift_between_groups_of_one_size_is_that_of_all_their_filters(study, figures):
    frame, _ = figures["depthwise_drift"]
    rows = frame[frame["panel"] == "Training sets of ConvNeXt femto, 4 layers"]
    assert len(rows) == 3
    assert set(rows["filters_drawn"]) == {sum(WIDTHS)}
    for row in rows.to_dict("records"):
        one, other = (np.concatenate(filters_of_layers(row[side].lower(), False)) for side in ("one", "other"))
        assert float(row["drift"]) == pytest.approx(drift_of(study, DEPTHWISE, one, other), rel=1e-5)


def test_layers_of_this_study_drift_more_than_its_sets(figures):
    frame, file = figures["depthwise_drift"]
    means = frame[frame["panel"] == "Mean of ConvNeXt femto, 4 layers"].set_index("one")
    # 3 pairs of sets in 3 layers of enough filters; 3 pairs of these layers in 3 networks, one of them of one width
    assert means["pairs"].tolist() == ["9.0", "9.0", "3.0"] or means["pairs"].astype(float).tolist() == [9, 9, 3]
    beyond = means["beyond_chance"].astype(float)
    assert beyond["layers of a network"] > beyond["sets, layer by layer"] + 0.5
    assert float(means.loc["layers of a network", "low_above_sets"]) > 0
    assert "sets drift less" in file.with_suffix(".md").read_text()


def test_networks_of_one_name_with_other_numbers_of_layers_are_two_architectures():
    names = ["deep"] * 3 + ["flat"] * 2
    table = pd.DataFrame({"model": names, "layer": [f"conv{n}" for n in range(5)], "Name": "convnext_femto"})
    layers = trained_networks.layers(table.assign(**{"Training-Dataset": "Apples"}), ["deep", "flat"])
    of_model = layers.groupby("model")["architecture"].unique().map(list).to_dict()
    assert of_model == {"deep": ["ConvNeXt femto, 3 layers"], "flat": ["ConvNeXt femto, 2 layers"]}
    assert layers["depth"].tolist() == [0, 0.5, 1, 0, 1]


def test_small_layers_are_in_no_group_of_drift(study):
    frame, _ = make(study, "depthwise_drift", "small", min_filters=100)
    layers = frame[frame["panel"] == "Layers of ConvNeXt femto, 4 layers"]
    assert set(layers["one"]) | set(layers["other"]) == {"layer 02", "layer 03", "layer 04"}  # the first has 60
    with pytest.raises(KeyfiltersError, match="lower `min_filters_of_layer`"):
        make(study, "depthwise_drift", "none", min_filters_of_layer=60)


def test_the_quality_of_depthwise_layers_is_that_of_their_weights(study, figures):
    frame, _ = figures["depthwise_quality"]
    assert frame["position"].tolist() == [2, 3, 4]
    for row in frame.to_dict("records"):
        expected = []
        for name in SETS:
            layer = filters_of_layers(name, False)[row["position"] - 1].astype(float)
            variances = np.linalg.svd(layer - layer.mean(axis=0), compute_uv=False) ** 2
            ratios = variances / variances.sum()
            expected.append(-(ratios * np.log10(ratios)).sum())
        entropies = [row[f"entropy_{how}"] for how in ("mean", "min", "max")]
        assert entropies == pytest.approx([np.mean(expected), min(expected), max(expected)], rel=1e-4)
        threshold = randomness.fitted(9)(row["filters"])
        assert row["of_random_mean"] == pytest.approx(np.mean(expected) / threshold, rel=1e-4)


def test_the_quality_of_layers_needs_filters(study):
    with pytest.raises(KeyfiltersError, match="no layer of 100 filters"):
        make(study, "depthwise_quality", "none", min_filters_of_layer=100)


@pytest.mark.fault("table", "tables of filters that were made with other settings", "no figure; one line")
def test_tables_of_other_settings_are_refused(study):
    settings, inputs = quality(study)
    changed = Job("filterdb", DEPTHWISE, {"other": 1}, study.tables[DEPTHWISE].inputs)
    job = Job("depthwise_quality", "depthwise_quality", settings, inputs | {"depthwise_quality/filterdb": changed})
    render = import_module("keyfilters.results.depthwise.depthwise_quality").depthwise_quality
    with pytest.raises(KeyfiltersError, match="run `snakemake filterdb`"):
        render(job.description, study.root, study.results / "other/depthwise_quality.csv")


def test_more_patterns_explain_more_of_filters_and_of_random_ones(figures):
    frame, file = figures["depthwise_patterns"]
    for _, rows in frame.groupby("kind"):
        assert list(rows["patterns"]) == [1, 8, 16]
        assert rows["variance"].is_monotonic_increasing
        assert rows["variance"].between(rows["variance_low"], rows["variance_high"]).all()
    assert "4 networks with 400 filters are looked at; 200 more are constant." in file.with_suffix(".md").read_text()


def test_patterns_of_networks_that_are_not_independent_are_an_error(study):
    with pytest.raises(KeyfiltersError, match=f"no two independent networks have filters of the set {DEPTHWISE}"):
        make(study, "depthwise_patterns", "none", sets={DEPTHWISE: {"kernel": [3, 3], "kinds": ["depthwise"]}})


def test_covariances_by_depth_are_means_over_layers_and_networks(study, figures):
    frame, _ = figures["depthwise_covariance"]
    parts = frame[frame["set"] == DEPTHWISE]
    first = parts[(parts["depth"] == "depth 0 to 0.5") & (parts["quantity"] == "covariance")]
    expected = []
    for name in SETS:
        layers = [np.cov(scale(layer).T) for layer in filters_of_layers(name, regular=False)[:1]]
        expected.append(np.mean([9 * layer / np.trace(layer) for layer in layers], axis=0))
    np.testing.assert_allclose(first["value"].to_numpy(float), np.mean(expected, axis=0).ravel(), rtol=1e-4)
    numbers = parts[parts["quantity"] != "covariance"].groupby("depth")["quantity"].apply(list)
    assert set(map(tuple, numbers)) == {("neighbours", "centre")}  # no two of these networks are independent


def test_covariances_of_too_small_layers_are_an_error(study):
    with pytest.raises(KeyfiltersError, match="lower `min_filters_of_layer`"):
        make(study, "depthwise_covariance", "none", min_filters_of_layer=1000)


def test_networks_with_the_same_weights_count_once_in_the_note_of_their_bases(tmp_path):
    pd.DataFrame({"set": "all", "model": ["one", "two", "other"]}).to_parquet(tmp_path / "layers.parquet")
    manifest = {
        "description": {"inputs": {"one": "", "two": ""}},
        "facts": {"same_weights": {"all": {"two": "one"}}},
    }
    bases = artifacts.Artifact(tmp_path, manifest)
    assert depthwise_pca._networks(bases, bases) == {"all": 1}
