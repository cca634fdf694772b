"""The tiny network as a file of every weight format, by every writer."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.helpers.ncnn_files import save as save_ncnn
from tests.helpers.onnx_chains import chain
from tests.helpers.tfjs_files import graph, hwio, keras_config
from tests.helpers.tfjs_files import save as save_tfjs
from tests.helpers.tflite_files import save as save_tflite
from tests.helpers.tiny_networks import LAYERS, UP, Layer, torch_module
from tests.helpers.weight_files import (
    checkpoint_names,
    save_bundle,
    save_caffe,
    save_checkpoint,
    save_coreml,
    save_dlib,
    save_flax,
    save_graphdef,
    save_h5,
    save_katago,
    save_literal,
    save_mxnet,
    save_tza,
)

ALL = (*LAYERS, UP)
# KataGo, dlib and the ONNX chain have one kind of convolution; their files hold these layers.
REGULAR = tuple(layer for layer in LAYERS if layer.kind != "depthwise")


@dataclass(frozen=True)
class Sample:
    """A writer of a format: `save(path)` writes files beside `path` and returns the one that is read.

    `layers` are in the file; `facts`: what the format tells of a convolution beside its weight; `part`: which network.
    """

    format: str
    save: Callable[[Path], Path]
    layers: tuple[Layer, ...]
    facts: tuple[str, ...] = ()
    part: str = ""


def save_state_dict(path, layers=LAYERS, older=False):
    import torch

    torch.save(torch_module(layers).state_dict(), path, _use_new_zipfile_serialization=not older)
    return path


def save_module(path, layers=ALL):
    import torch

    torch.save(torch_module(layers), path)
    return path


def save_script(path, layers=ALL):
    import torch

    torch.jit.save(torch.jit.script(torch_module(layers)), path)
    return path


def save_npz(path, layers=LAYERS):
    with path.open("wb") as file:
        np.savez(file, **{f"{layer.name}/W": layer.weight for layer in layers})
    return path


def save_safetensors(path, layers=LAYERS):
    from safetensors.numpy import save_file

    save_file({f"{layer.name}.weight": layer.weight for layer in layers}, path)
    return path


def save_graph_model(path, layers=ALL):
    return save_tfjs(path.parent, {"node": graph(layers)}, [(f"{layer.name}/w", hwio(layer), None) for layer in layers])


def save_layers_model(path, layers=ALL):
    leaves = {"depthwise": "depthwise_kernel"}
    weights = [(f"{layer.name}/{leaves.get(layer.kind, 'kernel')}", hwio(layer), None) for layer in layers]
    return save_tfjs(path.parent, {"model_config": keras_config(layers)}, weights)


def save_onnx(path, layers=REGULAR):
    chain(path, {layer.name: layer.weight for layer in layers})
    return path


def save_chunks(path):
    """A list of two networks in chunks, the second of which is no network."""
    content = save_onnx(path).read_bytes()
    path.unlink()
    parts = {
        "c" * 64: content[:100],
        "a" * 64: content[100:150],
        "b" * 64: content[150:],
        "d" * 64: b"\0asm" + bytes(99),
    }
    for name, part in parts.items():
        (path.parent / name).write_bytes(part)
    *model, program = parts
    lists = {"/models/small": model, "/program.wasm": [program]}
    resources = {key: {"chunks": [{"hash": name} for name in names]} for key, names in lists.items()}
    path = path.with_name("resources.json")
    path.write_text(json.dumps(resources))
    return path


GRAPH = ("kind", "groups", "stride", "depth")
SAMPLES = {
    "onnx": Sample("onnx", save_onnx, REGULAR, ("kind", "groups", "depth")),
    "onnx, chunks": Sample("onnx-chunked", save_chunks, REGULAR, ("kind", "groups", "depth"), "/models/small"),
    "torch, state dict": Sample("torch", save_state_dict, LAYERS),
    "torch, older": Sample("torch", lambda path: save_state_dict(path, older=True), LAYERS),
    "torch, module": Sample("torch", save_module, ALL, GRAPH[:3]),
    "torch, script": Sample("torch", save_script, ALL, GRAPH[:3]),
    "tfjs": Sample("tfjs", save_graph_model, ALL, GRAPH),
    "tfjs, layers": Sample("tfjs", save_layers_model, ALL, GRAPH),
    "tflite": Sample("tflite", save_tflite, ALL, GRAPH),
    "ncnn": Sample("ncnn", save_ncnn, ALL, GRAPH),
    "keras": Sample("keras-h5", save_h5, ALL, GRAPH),
    "npz": Sample("npz", save_npz, LAYERS),
    "safetensors": Sample("safetensors", save_safetensors, LAYERS),
    "caffe": Sample("caffemodel", save_caffe, ALL, GRAPH[:3]),
    "caffe, older": Sample("caffemodel", lambda path: save_caffe(path, newer=False), ALL, GRAPH[:3]),
    "graphdef": Sample("tf-pb", save_graphdef, ALL, GRAPH),
    "checkpoint": Sample("tf-checkpoint", lambda path: save_checkpoint(path, checkpoint_names()), LAYERS),
    "flax": Sample("flax-pickle", save_flax, LAYERS),
    "coreml": Sample("coreml-mlmodel", save_coreml, ALL, GRAPH),
    "mxnet": Sample("mxnet-params", save_mxnet, LAYERS),
    "katago": Sample("katago", lambda path: save_katago(path, REGULAR), REGULAR, ("kind", "groups")),
    "tza": Sample("oidn-tza", save_tza, LAYERS),
    "dlib": Sample("dlib-dat", lambda path: save_dlib(path, REGULAR), REGULAR, GRAPH[:3]),
    "bundle": Sample("tfjs-in-js", save_bundle, ALL, GRAPH),
    "literal": Sample("tfjs-in-js", save_literal, ALL, GRAPH),
}
