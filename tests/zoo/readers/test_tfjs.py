"""TF.js models: graphs, layers models, manifests, quantised weights, and broken files."""

import json

import numpy as np
import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.readers.tfjs import read
from tests.helpers.tfjs_files import graph, hwio, keras_config, node, save
from tests.helpers.tiny_networks import LAYERS, UP, weight

ALL = (*LAYERS, UP)


def check(network, layers=ALL):
    for convolution, layer in zip(network.convolutions, layers, strict=True):
        np.testing.assert_array_equal(convolution.load(), layer.weight)
        assert (convolution.kind, convolution.groups, convolution.stride) == (layer.kind, layer.groups, layer.stride)
    assert [c.depth for c in network.convolutions] == list(range(1, len(layers) + 1))
    assert network.depth == len(layers)


def test_graph_model_in_order_of_execution(tmp_path):
    # The weights of one layer lie in two shards.
    weights = [(f"{layer.name}/w", hwio(layer), None) for layer in ALL]
    network = read(save(tmp_path, {"node": graph()}, weights))
    check(network)
    assert [c.name for c in network.convolutions] == [layer.name for layer in ALL]
    assert network.operators["Conv2D"] == 2
    assert network.operators["Const"] == 5


def test_layers_model_with_a_nested_model(tmp_path):
    weights = []
    for layer in ALL:
        leaf = "depthwise_kernel" if layer.kind == "depthwise" else "kernel"
        weights.append((f"{layer.name}/{leaf}", hwio(layer), None))
    check(read(save(tmp_path, {"model_config": keras_config()}, weights)))


def test_separable_layer_gives_its_two_convolutions(tmp_path):
    layer = {"class_name": "SeparableConv2D", "config": {"name": "both", "strides": [2, 2]}}
    topology = {"model_config": {"class_name": "Sequential", "config": [layer]}}
    depthwise, pointwise = weight(2, 3, 4, 2), weight(1, 1, 8, 5)
    path = save(
        tmp_path, topology, [("both/depthwise_kernel", depthwise, None), ("both/pointwise_kernel", pointwise, None)]
    )
    first, second = read(path).convolutions
    assert (first.kind, first.groups, first.stride, first.shape) == ("depthwise", 4, (2, 2), (8, 1, 2, 3))
    # Filter 5 is the second of channel 2.
    np.testing.assert_array_equal(first.load()[5, 0], depthwise[:, :, 2, 1])
    assert (second.kind, second.stride, second.shape) == ("pointwise", (1, 1), (5, 8, 1, 1))


def test_manifest_alone_tells_no_kinds_but_depthwise(tmp_path):
    weights = [("first/filters", hwio(LAYERS[0]), None), ("second/depthwise_filter", hwio(LAYERS[1]), None)]
    first, second = read(save(tmp_path, None, weights)).convolutions
    assert (first.kind, first.groups, first.depth) == (None, None, None)
    assert (second.kind, second.groups) == ("depthwise", 5)
    np.testing.assert_array_equal(first.load(), LAYERS[0].weight)
    np.testing.assert_array_equal(second.load(), LAYERS[1].weight)


@pytest.mark.parametrize("stored", ["uint8", "uint16", "float16"])
def test_quantised_weights(tmp_path, stored):
    layer = LAYERS[0]
    if stored == "float16":
        array, quantization, expected = hwio(layer).astype(np.float16), {"dtype": stored}, layer.weight
    else:
        array = np.arange(layer.weight.size).reshape(hwio(layer).shape).astype(stored)
        quantization = {"dtype": stored, "scale": 0.25, "min": -3.0}
        expected = (array * 0.25 - 3.0).transpose(3, 2, 0, 1)
    path = save(tmp_path, {"node": graph([layer])}, [(f"{layer.name}/w", array, quantization)])
    np.testing.assert_array_equal(read(path).convolutions[0].load(), expected)


def test_weight_used_twice_is_given_once_and_computed_weights_are_told_of(tmp_path):
    nodes = [
        node("x", "Placeholder"),
        node("a", "Conv2D", ["x", "w"], (1, 1)),
        node("b", "Conv2D", ["a", "w"], (1, 1)),
        node("sum", "AddV2", ["w", "b"]),
        node("c", "Conv2D", ["b", "sum"], (1, 1)),
        node("volume", "Conv3D", ["b", "w"]),
        node("w", "Const"),
    ]
    network = read(save(tmp_path, {"node": nodes}, [("w", weight(3, 3, 2, 2), None)]))
    assert [c.name for c in network.convolutions] == ["a"]
    assert sorted(line.partition(":")[0] for line in network.left_out) == ["b", "c", "volume"]


def test_loop_in_the_graph_counts_once(tmp_path):
    # The input reaches the convolution behind the loop only through what the body hands to its next turn.
    nodes = [
        node("x", "Placeholder"),
        node("list", "Const"),
        node("merge", "Merge", ["list", "next"]),
        node("switch", "Switch", ["merge"]),
        node("body", "AddV2", ["switch:1", "x"]),
        node("next", "NextIteration", ["body"]),
        node("exit", "Exit", ["switch"]),
        node("after", "Conv2D", ["exit", "w"], (1, 1)),
        node("w", "Const"),
    ]
    network = read(save(tmp_path, {"node": nodes}, [("w", weight(3, 3, 2, 2), None)]))
    assert network.convolutions[0].depth == 4  # body, next, exit, after
    assert network.depth == 4


def test_strings_among_the_weights_are_stepped_over(tmp_path):
    path = save(tmp_path, {"node": graph(LAYERS[:1])}, [("first/w", hwio(LAYERS[0]), None)], shards=1)
    document = json.loads(path.read_text())
    document["weightsManifest"][0]["weights"].insert(0, {"name": "labels", "shape": [2], "dtype": "string"})
    path.write_text(json.dumps(document))
    shard = tmp_path / "group1-shard1of1.bin"
    shard.write_bytes(b"\x03\0\0\0cat\x00\0\0\0" + shard.read_bytes())
    np.testing.assert_array_equal(read(path).convolutions[0].load(), LAYERS[0].weight)


def broken(tmp_path):
    return save(tmp_path, {"node": graph(LAYERS)}, [(f"{layer.name}/w", hwio(layer), None) for layer in LAYERS])


@pytest.mark.fault("weight file", "a TF.js model without one of its shards", "one line names the shard")
def test_missing_shard(tmp_path):
    path = broken(tmp_path)
    (tmp_path / "group1-shard2of3.bin").unlink()
    with pytest.raises(KeyfiltersError, match=r"group1-shard2of3\.bin' is missing"):
        read(path)


@pytest.mark.parametrize("change", [-1, 4])
def test_shard_of_another_size(tmp_path, change):
    path = broken(tmp_path)
    shard = tmp_path / "group1-shard3of3.bin"
    data = shard.read_bytes()
    shard.write_bytes(data[:change] if change < 0 else data + b"\0" * change)
    with pytest.raises(KeyfiltersError, match=r"the weights need \d+ bytes and the shards have \d+"):
        read(path)


@pytest.mark.parametrize("name", ["../secret.bin", "/etc/passwd"])
def test_shard_outside_the_folder(tmp_path, name):
    path = broken(tmp_path)
    document = json.loads(path.read_text())
    document["weightsManifest"][0]["paths"][0] = name
    path.write_text(json.dumps(document))
    with pytest.raises(KeyfiltersError, match="outside the folder"):
        read(path)


def test_weights_that_are_not_finite(tmp_path):
    array = hwio(LAYERS[0]).copy()
    array[0, 0, 0, 0] = np.inf
    [convolution] = read(save(tmp_path, {"node": graph(LAYERS[:1])}, [("first/w", array, None)])).convolutions
    with pytest.raises(KeyfiltersError, match=r"model\.json.*'first'.*NaN or infinite"):
        convolution.load()


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", '{"weightsManifest": [], "modelTopology": 3}'])
def test_not_a_model(tmp_path, text):
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(KeyfiltersError, match=r"model\.json: (no readable TF\.js file|not JSON)") as caught:
        read(path)
    assert "\n" not in str(caught.value)
