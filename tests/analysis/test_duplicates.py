"""Networks with the same weights are found by their filters and counted once."""

import numpy as np
import pandas as pd
import pytest

from keyfilters.analysis.duplicates import SAMPLE, duplicates, sampling
from keyfilters.analysis.stages import basis, moments
from keyfilters.analysis.stages.filter_sets import BY_FILE, BY_GRAPH, counted_once, with_depths
from keyfilters.config.analysis import Analysis, FilterSet, bases_of, tables_of
from keyfilters.filters.extract import store
from keyfilters.store import artifacts
from keyfilters.store.identity import Job
from keyfilters.zoo.network import Convolution, Network
from tests.helpers.analysed_filters import analyse

ANALYSIS = Analysis(sets={"conv_3x3": FilterSet(min_filters=1)})


def weights(seed: int, layer: int) -> np.ndarray:
    return np.random.default_rng([seed, layer]).normal(size=(12, 8, 3, 3)).astype(np.float32)


def of_eight_bits(weight: np.ndarray) -> np.ndarray:
    """The weights rounded to 255 equal steps, as quantised networks have them."""
    step = np.abs(weight).max() / 127
    return (np.round(weight / step) * step).astype(np.float32)


def folded(weight: np.ndarray) -> np.ndarray:
    """The weights with a normalisation's factors of each output channel in them, none of them negative."""
    return weight * np.linspace(0.1, 3, len(weight), dtype=np.float32).reshape(-1, 1, 1, 1)


NETWORKS = {
    "8 bits": [of_eight_bits(weights(1, layer)) for layer in range(4)],
    "first": [weights(1, layer) for layer in range(4)],
    "folded": [folded(weights(1, layer)) for layer in range(4)],
    "with another head": [weights(1, 0), weights(1, 1), weights(1, 2), weights(9, 3)],
    "one layer in common": [weights(1, 0), *(weights(2, layer) for layer in range(1, 4))],
    "other": [weights(3, layer) for layer in range(4)],
    "zero": [np.zeros((12, 8, 3, 3), np.float32)] * 4,
    "as zero": [np.zeros((12, 8, 3, 3), np.float32)] * 4,
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root, extracts = tmp_path_factory.mktemp("duplicates"), {}
    for name, layers in NETWORKS.items():
        extract_job = Job("extract", name, {"format": "onnx"})
        convolutions = [
            Convolution(f"conv{number}", weight.shape, lambda weight=weight: weight, "regular", 1, (1, 1), number + 1)
            for number, weight in enumerate(layers)
        ]
        with artifacts.write(root, extract_job.description) as draft:
            draft.facts.update(store(Network(tuple(convolutions), {"Conv": 4}, 4), draft.path), format="onnx", entry={})
        extracts[name] = extract_job
    based, layers, _ = analyse(root, ANALYSIS, extracts)
    table, arrays = moments.read(artifacts.read(root, layers.folder))
    return root, based, table, arrays


SAME = {"folded": "first", "with another head": "first"}


def test_other_precisions_and_folded_normalisations_are_found_by_their_filters(study):
    _, _, table, arrays = study
    settings = tables_of(ANALYSIS, "conv_3x3", {"8 bits": "uint8"})
    arguments = table["model"].tolist(), table["filters"].to_numpy(), arrays["conv_3x3/sample"], settings, "conv_3x3"
    kept, same = counted_once(*arguments)
    assert same == SAME | {"8 bits": "first"}, "of one network in two precisions the higher is kept"
    assert kept == ["as zero", "first", "one layer in common", "other", "zero"]
    settings["duplicates"] = "each"
    assert counted_once(*arguments) == (sorted(NETWORKS), {})
    settings["sets"]["conv_3x3"]["precisions"] = ["float32"]
    assert counted_once(*arguments)[0] == [name for name in sorted(NETWORKS) if name != "8 bits"]


def test_they_do_not_weigh_on_the_basis(study):
    root, based, _, _ = study
    artifact = artifacts.read(root, based.folder)
    same = {"first": "8 bits", "folded": "8 bits", "with another head": "8 bits"}  # nothing was said of precision
    assert artifact.facts["same_weights"] == {"conv_3x3": same}
    assert basis.read(artifact)["conv_3x3"].basis.count == 5 * 4 * 96


def test_a_set_of_one_precision_has_a_basis_of_its_own(study):
    settings = bases_of(Analysis(sets={"float_3x3": FilterSet(precisions=["float32"])}), {"8 bits": "uint8"})
    assert settings["sets"]["float_3x3"]["precisions"] == ["float32"]
    assert settings["stored"] == {"8 bits": "uint8"}


def test_a_sample_is_the_same_however_the_filters_come():
    filters = np.random.default_rng(0).normal(size=(1000, 9)).astype(np.float32)
    samples = {}
    for size in (7, 1000):
        blocks = (("a", filters[start : start + size]) for start in range(0, 1000, size))
        assert sum(len(block) for _, block in sampling(blocks, {"a": 1000}, samples.setdefault(size, {}))) == 1000
    np.testing.assert_array_equal(samples[7]["a"], samples[1000]["a"])
    rows = np.linspace(0, 999, SAMPLE).astype(int)
    np.testing.assert_array_equal(samples[7]["a"], filters[rows])


def test_few_filters_are_sampled_once_each():
    filters = np.arange(27, dtype=np.float32).reshape(3, 9)
    samples = {}
    list(sampling([("a", filters)], {"a": 3}, samples))
    np.testing.assert_array_equal(samples["a"][:3], filters)
    assert not samples["a"][3:].any()


def test_layers_that_do_not_vary_make_no_networks_alike():
    samples = np.zeros((2, SAMPLE, 9), np.float32)
    assert duplicates(["a", "b"], np.array([64, 64]), samples) == {}


def test_a_file_without_depths_has_those_of_its_order():
    layers = pd.DataFrame(
        {
            "model_id": [0, 0, 0, 0, 1, 1],
            "kind": ["regular", "transposed", None, "depthwise", "regular", "regular"],
            "conv_depth": pd.array([None, None, None, None, 1, None], "Int64"),
            "conv_depth_norm": [None, None, None, None, 1.0, None],
        }
    )
    with_order = with_depths(layers)
    assert with_order["conv_depth"].fillna(-1).tolist() == [0, -1, 1, 2, 1, -1]
    assert with_order["conv_depth_norm"].fillna(-1).tolist() == [0, -1, 0.5, 1, 1, -1]
    assert with_order["depth_by"].tolist() == [BY_FILE] * 4 + [BY_GRAPH] * 2
