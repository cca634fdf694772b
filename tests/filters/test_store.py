"""The store of a study: what was written is read again, in blocks."""

import importlib
import pkgutil

import numpy as np
import pytest
from safetensors.numpy import load_file

from keyfilters import sources
from keyfilters.errors import KeyfiltersError
from keyfilters.filters import writing
from keyfilters.filters.single import Single
from keyfilters.filters.store import Store, choose
from keyfilters.filters.tables import VISUAL_CATEGORIES
from keyfilters.sources import torchvision
from keyfilters.zoo.network import Convolution, Network
from keyfilters.zoo.table import models
from tests.helpers.tiny_store import SHAPES, convolution, job, network, weight


@pytest.fixture
def store(tmp_path):
    models = {name: job(tmp_path, name, network(seed)) for seed, name in enumerate(("one", "two"))}
    return Store(tmp_path, {name: extract_job.folder for name, extract_job in models.items()})


def test_the_filters_of_a_choice_come_back_bit_for_bit(store):
    layers = choose(store.layers)
    assert layers["layer"].tolist() == ["conv0", "conv1", "conv3"] * 2
    for most in (1, 7, 1000):
        blocks = {}
        for label, block in store.blocks(layers, most):
            assert block.dtype == np.float32
            assert len(block) <= max(most, layers.loc[label, "in_channels"])
            blocks.setdefault(label, []).append(block)
        for label, row in layers.iterrows():
            expected = weight((row.out_channels, row.in_channels, 3, 3), row.model_id)
            np.testing.assert_array_equal(np.concatenate(blocks[label]), expected.reshape(-1, 9))


def test_other_sizes_and_kinds_are_chosen_by_name(store):
    assert choose(store.layers, kinds=("depthwise",))["layer"].tolist() == ["conv1"] * 2
    assert choose(store.layers, (5, 5), ("grouped",))["layer"].tolist() == ["conv4"] * 2
    assert choose(store.layers, (7, 7)).empty


def test_the_table_of_models_has_the_published_columns(store):
    one, two = store.models.loc[0], store.models.loc[1]
    assert (one["model"], one["Task"]) == ("one", "task of one")
    assert (two["Name"], two["Task"]) == ("Tiny", "task of two")
    assert two[["Paper", "Training-Dataset", "Dataset URL"]].isna().all()
    assert (one["producer"], one["op_set"], one["depth"]) == ("tiny 1.0", 17, 15)
    assert (one["Conv"], one["Relu"]) == (5, 4)
    # 1 x 1 filters are counted, but are not part of the total.
    assert one["(1, 1) filters"] == 128
    assert one["(3, 3) filters"] == 24 + 8 + 64
    assert one["total_filters"] == 24 + 8 + 64 + 8
    assert one["3x3_filter_share"] == 96 / 104


def test_depths_are_ranked_among_all_convolutions_but_transposed_ones():
    depths = [4, 4, 2, 9, 30]
    convolutions = [convolution((4, 4, 3, 3), depth=depth, transposed=depth == 9) for depth in depths]
    ranks, norms = writing.conv_depths(convolutions)
    assert ranks == [1, 1, 0, None, 2]
    assert norms == [0.5, 0.5, 0, None, 1]


def test_a_network_with_one_convolution_has_the_normalised_depth_0():
    assert writing.conv_depths([convolution((4, 4, 3, 3), depth=7)]) == ([0], [0.0])


def test_without_a_graph_depths_are_null(tmp_path):
    bare = Convolution("a", (4, 4, 3, 3), lambda: weight((4, 4, 3, 3)))
    table = writing.write(Network((bare,)), tmp_path)
    assert table.loc[0, ["kind", "groups", "stride_h", "depth", "conv_depth", "conv_depth_norm"]].isna().all()
    assert choose(table).empty


def test_a_kind_that_a_named_file_does_not_tell_is_in_the_choice_of_all_that_count():
    named = Single(Network((Convolution("a", (4, 4, 3, 3), lambda: weight((4, 4, 3, 3))),)), "mine").layers
    assert choose(named)["layer"].tolist() == ["a"]
    assert choose(named, kinds=("regular",)).empty


def test_names_that_repeat_or_are_empty_become_keys_of_their_own():
    assert writing.unique(["a", "", "a", "a #2", "b"]) == ["a", "convolution 1", "a #3", "a #2", "b"]


def test_the_file_is_safetensors_in_the_order_of_the_network(tmp_path):
    writing.write(network(), tmp_path)
    tensors = load_file(tmp_path / writing.FILTERS)
    assert {name: array.shape for name, array in tensors.items()} == {f"conv{i}": s for i, s in enumerate(SHAPES)}
    np.testing.assert_array_equal(tensors["conv3"], weight(SHAPES[3]))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (lambda: np.full((4, 4, 3, 3), np.nan, np.float32), "layer conv: its weight has NaN or infinite values"),
        (lambda: np.full((4, 4, 3, 3), np.inf, np.float32), "layer conv: its weight has NaN or infinite values"),
        (lambda: np.zeros((4, 4, 3), np.float32), r"layer conv: its weight has the shape \(4, 4, 3\)"),
    ],
)
def test_a_weight_that_is_not_as_told_is_refused(tmp_path, bad, reason):
    with pytest.raises(KeyfiltersError, match=reason):
        writing.write(Network((Convolution("conv", (4, 4, 3, 3), bad, "regular"),)), tmp_path)


def test_a_model_without_convolutions_is_in_the_store(tmp_path):
    extract_job = job(tmp_path, "none", Network(()))
    store = Store(tmp_path, {"none": extract_job.folder})
    assert store.models.loc[0, "total_filters"] == 0
    assert store.layers.empty


def test_visual_categories_are_those_of_the_table_of_models():
    modules = [
        importlib.import_module(module_info.name)
        for module_info in pkgutil.walk_packages(sources.__path__, "keyfilters.sources.")
    ]
    domains = {module.DOMAIN for module in modules if isinstance(getattr(module, "DOMAIN", None), str)}
    assert domains | {of.DOMAIN for of in torchvision.SETS.values()} == set(VISUAL_CATEGORIES)
    own = set(VISUAL_CATEGORIES.values()) - {model.visual_category for model in models().values()}
    assert own == {None, "pictograms", "sketches"}
