"""The jobs of the analysis on a small store: what they keep is what the filters themselves give."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from keyfilters.analysis import pairs
from keyfilters.analysis.coefficients import coefficients
from keyfilters.analysis.drift import distributions, drift
from keyfilters.analysis.groups import DECILES, depth_decile, gather
from keyfilters.analysis.stages import basis, filterdb, histograms, layers, moments
from keyfilters.config.analysis import Analysis, FilterSet, bases_of, filters_of, tables_of
from keyfilters.errors import KeyfiltersError
from keyfilters.filters.hdf5 import Published, export
from keyfilters.filters.store import Store, choose
from keyfilters.store import artifacts
from keyfilters.store.identity import Job
from keyfilters.study.jobs import with_filters
from keyfilters.zoo.network import Network
from tests.helpers.tiny_store import convolution, job, network

NAMES = ("one", "two", "three")
SHAPES = ((16, 8, 3, 3), (16, 1, 3, 3), (16, 16, 3, 3), (8, 4, 5, 5))
GROUPS = (1, 16, 1, 1)


def analysis(**changed) -> Analysis:
    sets = {"regular_3x3": FilterSet(kinds=["regular"], min_filters=100)}
    sets |= {"regular_5x5": FilterSet(kernel=(5, 5), kinds=["regular"], min_filters=100)}
    return Analysis(sets=sets, **changed)


class Study:
    """The jobs of three tiny networks, of which `basis_of` define the bases, and their artifacts below `root`."""

    def __init__(self, root, settings: Analysis, basis_of=NAMES, stored=()) -> None:
        self.root, self.analysis, self.stored = root, settings, dict(stored)
        self.extracts = {name: job(root, name, network(seed, SHAPES, GROUPS)) for seed, name in enumerate(NAMES)}
        of_filters = filters_of(settings)
        sparse = settings.model_dump(include={"sparse", "sparse_share"})
        self.moments = {
            name: Job("moments", name, of_filters | sparse, {"filters": extract})
            for name, extract in self.extracts.items()
        }
        defining = with_filters({name: self.moments[name] for name in basis_of})
        self.basis = Job("basis", "basis", bases_of(settings, self.stored), defining)
        self.histograms = {
            name: Job("histograms", name, of_filters, {"filters": extract, "basis": self.basis})
            for name, extract in self.extracts.items()
        }
        self.layers = Job("layers", "layers", {}, with_filters(self.moments))

    def make(self) -> "Study":
        for moments_job in self.moments.values():
            moments.moments(moments_job.description, self.root)
        basis.basis(self.basis.description, self.root)
        for histograms_job in self.histograms.values():
            histograms.histograms(histograms_job.description, self.root)
        layers.layers(self.layers.description, self.root)
        return self

    def tables(self, name: str, record) -> Job:
        settings = tables_of(self.analysis, name, self.stored)
        job = Job("filterdb", name, settings, {"layers": self.layers, "basis": self.basis, **self.histograms})
        filterdb.filterdb(job.description, self.root, record)
        return job

    def read(self, job: Job) -> artifacts.Artifact:
        return artifacts.read(self.root, job.folder)

    def filters(self, name: str) -> np.ndarray:
        """All regular 3x3 filters of a network."""
        store = Store(self.root, {name: self.extracts[name].folder})
        return np.concatenate([block for _, block in store.blocks(choose(store.layers, kinds=("regular",)))])


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    return Study(tmp_path_factory.mktemp("study"), analysis()).make()


def test_the_basis_is_that_of_all_filters_and_the_range_that_of_all_coefficients(study):
    bases = basis.read(study.read(study.basis))
    assert list(bases) == ["regular_3x3", "regular_5x5"]
    filters = np.concatenate([study.filters(name) for name in NAMES])
    bins = bases["regular_3x3"]
    assert bins.basis.count == len(filters) == 3 * (128 + 256)
    scaled = filters / np.abs(filters).max(axis=1, keepdims=True)
    reference = PCA(svd_solver="full").fit(scaled)
    np.testing.assert_allclose(bins.basis.ratios, reference.explained_variance_ratio_, rtol=1e-4)
    values = coefficients(filters, bins.basis)
    assert (bins.edges[0], bins.edges[-1]) == (values.min(), values.max())


def test_histograms_and_moments_are_kept_by_layer(study):
    counts = histograms.read(study.read(study.histograms["two"]))
    assert {name: array.shape for name, array in counts.items()} == {
        "regular_3x3": (2, 9, 71),
        "regular_5x5": (1, 25, 71),
    }
    table, arrays = moments.read(study.read(study.moments["two"]))
    assert table["layer"].tolist() == ["conv0", "conv2", "conv3"]
    assert table["filters"].tolist() == [*counts["regular_3x3"][:, 0].sum(axis=1).tolist(), 32]
    assert [of_layer.count for of_layer in moments.unstacked(arrays, "regular_3x3")] == [128, 256]
    bins = basis.read(study.read(study.basis))["regular_3x3"]
    expected = [np.histogram(column, bins.edges)[0] for column in coefficients(study.filters("two"), bins.basis).T]
    np.testing.assert_array_equal(counts["regular_3x3"].sum(axis=0)[:, :-1], expected)


def test_layers_of_all_networks_are_one_table(study):
    table, arrays = moments.read(study.read(study.layers))
    assert table.groupby("model", sort=False).size().to_dict() == dict.fromkeys(NAMES, 3)
    assert len(arrays["regular_3x3/count"]) == (table["set"] == "regular_3x3").sum() == 6


def test_a_bounded_range_needs_no_filters_and_holds_all_coefficients(tmp_path):
    study = Study(tmp_path, analysis(range="bounded")).make()
    for name in NAMES:
        assert study.read(study.histograms[name]).facts["outside"] == {"regular_3x3": 0, "regular_5x5": 0}


def test_networks_that_do_not_define_the_range_may_leave_it(tmp_path):
    study = Study(tmp_path, analysis(), basis_of=("one",)).make()
    assert study.read(study.histograms["one"]).facts["outside"]["regular_3x3"] == 0
    outside = study.read(study.histograms["two"]).facts["outside"]["regular_3x3"]
    counts = histograms.read(study.read(study.histograms["two"]))["regular_3x3"]
    assert outside == counts[..., -1].sum() > 0
    assert (counts.sum(axis=-1) == [[128], [256]]).all()


def test_the_published_file_may_stand_in_place_of_the_store(study, tmp_path):
    store = Store(study.root, {name: extract.folder for name, extract in study.extracts.items()})
    export(store, tmp_path / "dataset.h5")
    settings = {"sparse": "at_most", "sparse_share": 0.01, **filters_of(Analysis())}
    table, arrays = moments.measured(Published(tmp_path / "dataset.h5"), settings)
    expected, of_store = moments.measured(store, settings)
    assert table["filters"].tolist() == expected["filters"].tolist()
    np.testing.assert_array_equal(arrays["conv_3x3/scatter"], of_store["conv_3x3/scatter"])
    np.testing.assert_array_equal(table["entropy"], expected["entropy"])


@pytest.mark.fault(
    "analysis", "a set of filters that no network has", "it is left out; none at all is an error of one line"
)
def test_a_set_that_nobody_has_is_left_out_and_none_at_all_is_an_error(tmp_path):
    absent = FilterSet(kernel=(11, 11))
    study = Study(tmp_path / "some", Analysis(sets={"conv_3x3": FilterSet(), "absent": absent})).make()
    assert list(basis.read(study.read(study.basis))) == ["conv_3x3"]
    with pytest.raises(KeyfiltersError, match=r"no network has filters of the set absent; take it out"):
        study.tables("absent", tmp_path / "tables.json")
    with pytest.raises(KeyfiltersError, match=r"no network has filters of any of analysis\.sets, absent"):
        Study(tmp_path / "none", Analysis(sets={"absent": absent})).make()


def test_tables_of_drift(study, tmp_path):
    study.tables("regular_3x3", tmp_path / "tables.json")
    matrix = pd.read_csv(tmp_path / "drift_model.csv").set_index("group")
    assert matrix.index.tolist() == sorted(NAMES)
    assert matrix["filters"].tolist() == [384] * 3
    counts = {name: histograms.read(study.read(study.histograms[name]))["regular_3x3"].sum(axis=0) for name in NAMES}
    bins = basis.read(study.read(study.basis))["regular_3x3"]
    p, q = (distributions(counts[name][:, :-1], bins.width, study.analysis) for name in ("one", "two"))
    assert matrix.loc["one", "two"] == pytest.approx(drift(p, q, bins.basis.ratios), rel=1e-5)
    np.testing.assert_array_equal(matrix[sorted(NAMES)], matrix[sorted(NAMES)].T)
    assert set(matrix["phenotype"]) <= {"sun", "spikes", "symbols", "point"}
    components = pd.read_parquet(tmp_path / "drift_components.parquet").set_index(["one", "other"])
    assert len(components) == 3
    weighted = components.loc["one", "two"] @ bins.basis.ratios
    assert weighted == pytest.approx(matrix.loc["one", "two"], rel=1e-5)
    tasks = pd.read_csv(tmp_path / "drift_task.csv")
    assert tasks["group"].tolist() == sorted(f"task of {name}" for name in NAMES)
    qualities = pd.read_csv(tmp_path / "layers.csv")
    assert set(qualities["verdict"]) == {"random"}
    # All layers are random, so nothing is left of them, and no table has a NaN for it.
    assert pd.read_csv(tmp_path / "drift_model_ablated.csv").empty
    ablation = pd.read_csv(tmp_path / "ablation.csv").set_index("grouping")
    assert ablation.loc["model", ["groups", "pairs"]].tolist() == [0, 0]
    record = json.loads((tmp_path / "tables.json").read_text())
    assert record["notes"][0].startswith("1,152 filters of 6 layers of 3 networks, 1 of which")
    for file in tmp_path.glob("drift_*.csv"):
        assert not pd.read_csv(file).isna().any(axis=None), file


def test_degenerated_layers_are_taken_out_for_the_ablation(study, tmp_path):
    strict = study.analysis.model_copy(update={"filters_per_weight": 15})  # 135 filters: the smaller layers are too few
    changed = Study.__new__(Study)
    changed.__dict__ = study.__dict__ | {"analysis": strict}
    changed.tables("regular_3x3", tmp_path / "tables.json")
    whole, ablated = (pd.read_csv(tmp_path / f"drift_model{suffix}.csv") for suffix in ("", "_ablated"))
    assert (whole["filters"].tolist(), ablated["filters"].tolist()) == ([384] * 3, [128] * 3)
    ablation = pd.read_csv(tmp_path / "ablation.csv").set_index("grouping").loc["model"]
    off_diagonal = ablated[sorted(NAMES)].to_numpy()[np.triu_indices(3, k=1)]
    assert ablation["mean_drift_ablated"] == pytest.approx(off_diagonal.mean(), rel=1e-5)
    assert (ablation["groups"], ablation["pairs"]) == (3, 3)


def test_small_groups_are_left_out():
    table = pd.DataFrame({"model": ["a", "b", "c", "c"], "filters": [50, 60, 5, 5], "task": ["x", "x", "y", None]})
    table["cluster"] = [0, 1, 2, 2]
    counts = np.ones((4, 9, 70), np.int64)
    groups = gather(table, table["task"], counts, FilterSet(min_filters=10))
    assert groups.table.to_dict("records") == [{"group": "x", "models": 2, "clusters": 2, "filters": 110}]
    assert groups.left_out.to_dict("records") == [{"group": "y", "models": 1, "clusters": 1, "filters": 5}]
    np.testing.assert_array_equal(groups.counts, np.full((1, 9, 70), 2))
    assert gather(table, table["task"], counts, FilterSet(min_filters=10, min_models=3)).table.empty


@pytest.mark.fault(
    "analysis", "a group whose filters all lie outside the histograms", "it is left out, and the record names it"
)
def test_a_group_that_lies_outside_the_range_is_left_out():
    table = pd.DataFrame({"model": ["a", "b"], "cluster": [0, 1], "filters": [50, 60]})
    counts = np.ones((2, 9, 70), np.int64)
    counts[0, 4] = 0
    assert gather(table, table["model"], counts, FilterSet(min_filters=1)).table["group"].tolist() == ["b"]


def test_deciles_are_the_notebooks():
    norms = pd.Series([0, 0.05, 0.1, 0.3, 0.30000000000000004, 0.300001, 0.99, 1, None])
    deciles = depth_decile(norms)
    reference = pd.cut(norms, np.arange(0, 1.1, 0.1), include_lowest=True, labels=False)
    assert deciles.cat.codes.tolist() == [0, 0, 0, 2, 2, 3, 9, 9, -1]
    np.testing.assert_array_equal(deciles.cat.codes.replace(-1, np.nan).to_numpy(float), reference.to_numpy(float))
    assert deciles.cat.categories[[0, 1, 9]].tolist() == ["[0.0, 0.1]", "(0.1, 0.2]", "(0.9, 1.0]"]
    assert len(DECILES) == 11


def test_the_drift_of_two_networks_is_that_of_the_tables(study, tmp_path):
    study.tables("regular_3x3", tmp_path / "tables.json")
    matrix = pd.read_csv(tmp_path / "drift_model.csv").set_index("group")
    stores = [Store(study.root, {name: study.extracts[name].folder}) for name in ("one", "two")]
    bins = basis.read(study.read(study.basis))
    counts = [pairs.histograms(store, bins, study.analysis) for store in stores]
    drifts = pairs.drift(*counts, bins, study.analysis)
    assert [pair.set for pair in drifts] == ["regular_3x3", "regular_5x5"]
    assert drifts[0].filters == (384, 384)
    assert drifts[0].drift == pytest.approx(matrix.loc["one", "two"], rel=1e-5)
    assert pairs.drift(counts[0], counts[0], bins, study.analysis)[0].drift == 0
    assert isinstance(json.dumps(drifts[0].__dict__), str)


def test_networks_without_a_common_set_have_no_drift(study, tmp_path):
    other = job(tmp_path, "pointwise", Network((convolution((4, 4, 1, 1)),), {}, 1))
    stores = Store(study.root, {"one": study.extracts["one"].folder}), Store(tmp_path, {"pointwise": other.folder})
    bins = basis.read(study.read(study.basis))
    counts = [pairs.histograms(store, bins, study.analysis) for store in stores]
    with pytest.raises(KeyfiltersError, match="no set of filters that both networks have"):
        pairs.drift(*counts, bins, study.analysis)


def test_results_do_not_depend_on_threads(study, tmp_path):
    again = Study(tmp_path, analysis())
    for moments_job in again.moments.values():
        moments.moments(moments_job.description, tmp_path, threads=3)
    basis.basis(again.basis.description, tmp_path, threads=3)
    assert again.read(again.basis).manifest["files"] == study.read(study.basis).manifest["files"]
