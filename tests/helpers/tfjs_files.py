"""Small TF.js models, written as TensorFlow's converter does."""

import base64
import json

import numpy as np

from tests.helpers.tiny_networks import LAYERS, UP


def hwio(layer):
    """The weight of a layer in TensorFlow's layout of its kind."""
    if layer.kind == "depthwise":
        out, _, height, width = layer.weight.shape
        return layer.weight.reshape(out, 1, height, width).transpose(2, 3, 0, 1)
    return layer.weight.transpose(2, 3, 0, 1) if layer.kind == "transposed" else layer.weight.transpose(2, 3, 1, 0)


def node(name, op, inputs=(), strides=None):
    attributes = {"data_format": {"s": base64.b64encode(b"NHWC").decode()}}
    if strides:
        attributes["strides"] = {"list": {"i": ["1", *map(str, strides), "1"]}}
    return {"name": name, "op": op, "input": list(inputs), "attr": attributes}


def graph(layers=(*LAYERS, UP)):
    """Nodes of a chain of layers, in a file order that is not that of execution, each weight behind an Identity."""
    ops = {"depthwise": "DepthwiseConv2dNative", "transposed": "Conv2DBackpropInput"}
    nodes, last = [node("x", "Placeholder")], "x"
    for layer in layers:
        nodes.append(node(f"{layer.name}/w", "Const"))
        nodes.append(node(f"{layer.name}/read", "Identity", [f"{layer.name}/w"]))
        inputs = [last, f"{layer.name}/read"]
        if layer.kind == "transposed":
            inputs = ["sizes", f"{layer.name}/read", last]
            nodes.append(node("sizes", "Const"))
        nodes.append(node(layer.name, ops.get(layer.kind, "Conv2D"), inputs, layer.stride))
        last = layer.name
    return nodes[::-1]


def save(folder, topology, weights, shards=3):
    """Write `weights`, a list of (name, array, quantization or None), in `shards` files cut at any byte."""
    entries, data = [], b""
    for name, array, quantization in weights:
        entry = {"name": name, "shape": list(array.shape), "dtype": "float32"}
        if quantization:
            entry["quantization"] = quantization
        entries.append(entry)
        data += array.tobytes()
    paths = [f"group1-shard{i + 1}of{shards}.bin" for i in range(shards)]
    cuts = np.linspace(0, len(data), shards + 1).astype(int)
    for name, start, end in zip(paths, cuts[:-1], cuts[1:], strict=True):
        (folder / name).write_bytes(data[start:end])
    manifest = [{"paths": paths, "weights": entries}]
    document = manifest if topology is None else {"modelTopology": topology, "weightsManifest": manifest}
    (folder / "model.json").write_text(json.dumps(document))
    return folder / "model.json"


def keras_config(layers=(*LAYERS, UP)):
    """Configuration of a functional model whose layers from the second on lie in a nested one."""
    kinds = {"depthwise": "DepthwiseConv2D", "transposed": "Conv2DTranspose"}

    def entry(layer, before):
        config = {"name": layer.name, "strides": list(layer.stride), "groups": 1}
        return {
            "class_name": kinds.get(layer.kind, "Conv2D"),
            "config": config,
            "name": layer.name,
            "inbound_nodes": [[[before, 0, 0, {}]]],
        }

    def start(name):
        return {"class_name": "InputLayer", "config": {"name": name}, "name": name, "inbound_nodes": []}

    first, *rest = layers
    inner, before = [start("inner_x")], "inner_x"
    for layer in rest:
        inner.append(entry(layer, before))
        before = layer.name
    body = {"class_name": "Functional", "config": {"name": "body", "layers": inner}, "name": "body"}
    body["inbound_nodes"] = [[[first.name, 0, 0, {}]]]
    return {"class_name": "Functional", "config": {"name": "net", "layers": [start("x"), entry(first, "x"), body]}}
