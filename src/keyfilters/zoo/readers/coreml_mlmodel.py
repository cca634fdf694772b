"""Core ML: neural networks of `.mlmodel` files, float32 and float16."""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.unknown_fields import UnknownFieldSet

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.graph import greatest, longest_paths
from keyfilters.zoo.network import Convolution, Network, kind_of
from keyfilters.zoo.protobuf import entries, messages
from keyfilters.zoo.weights import convolution, from_iohw, reader

MESSAGES = messages(
    "coreml",
    {
        "Model": {
            "neuralNetworkClassifier": "303 NeuralNetwork",
            "neuralNetworkRegressor": "403 NeuralNetwork",
            "neuralNetwork": "500 NeuralNetwork",
        },
        "NeuralNetwork": {"layers": "1 Layer*"},
        "Layer": {"name": "1 string", "input": "2 string*", "output": "3 string*", "convolution": "100 Convolution"},
        "Convolution": {
            "outputChannels": "1 uint64",
            "kernelChannels": "2 uint64",
            "nGroups": "10 uint64",
            "kernelSize": "20 uint64*",
            "stride": "30 uint64*",
            "isDeconvolution": "60 bool",
            "weights": "90 Weights",
        },
        "Weights": {"floatValue": "1 float*", "float16Value": "2 bytes"},
    },
)
OTHER_FIELDS = {4, 5, 10}  # of a layer, besides what it does: shapes of its inputs and outputs, and isUpdatable
# A layer says what it does by the number of the field that is set.
NAMES = {120: "pooling", 130: "activation", 140: "innerProduct", 160: "batchnorm", 170: "l2normalize", 175: "softmax"}
NAMES |= {180: "lrn", 190: "crop", 200: "padding", 210: "upsample", 230: "add", 231: "multiply", 250: "bias"}
NAMES |= {300: "reshape", 301: "flatten", 310: "permute", 320: "concat", 330: "split", 350: "slice", 500: "custom"}
NAMES |= {165: "mvn", 220: "unary", 240: "average", 245: "scale", 260: "max", 261: "min", 280: "reduce"}
NAMES |= {290: "loadConstant", 410: "gru", 420: "uniDirectionalLSTM", 430: "biDirectionalLSTM"}


def _recognises(path: Path, head: bytes) -> bool:
    fields = [(entry.number, entry.wire) for entry in entries(path)]
    return fields[:1] == [(1, 0)] and any(300 <= number < 3000 and wire == 2 for number, wire in fields)


FORMAT = Format(extensions=(".mlmodel",), recognises=_recognises)


@reader("Core ML")
def read(path: Path) -> Network:
    """The layers in the order of the file, which is that of execution."""
    model = MESSAGES["Model"]()
    model.ParseFromString(path.read_bytes())
    layers = [*model.neuralNetwork.layers, *model.neuralNetworkClassifier.layers, *model.neuralNetworkRegressor.layers]
    if not layers:
        raise KeyfiltersError(f"{path}: no neural network in this Core ML file")
    producer = {name: i for i, layer in enumerate(layers) for name in layer.output}
    before = [[producer[name] for name in layer.input if name in producer] for layer in layers]
    sources = [i for i, layer in enumerate(layers) if any(name not in producer for name in layer.input)]
    depths = longest_paths(before, sources)
    convolutions: list[Convolution] = []
    left_out: list[str] = []
    for layer, depth in zip(layers, depths, strict=True):
        if not layer.HasField("convolution"):
            continue
        if layer.convolution.weights.floatValue or layer.convolution.weights.float16Value:
            convolutions.append(_convolution(path, layer, depth))
        else:
            left_out.append(f"{layer.name}: no weights of floating point in the file")
    operators = dict(sorted(Counter(map(_operator, layers)).items()))
    return Network(tuple(convolutions), operators, greatest(depths), left_out=tuple(left_out))


def _operator(layer: Any) -> str:
    if layer.HasField("convolution"):
        return "convolution"
    fields = [field.field_number for field in UnknownFieldSet(layer) if field.field_number not in OTHER_FIELDS]
    return NAMES.get(fields[0], f"layer {fields[0]}") if fields else "none"


def _convolution(path: Path, layer: Any, depth: int | None) -> Convolution:
    options = layer.convolution
    groups = options.nGroups or 1
    height, width = options.kernelSize or (3, 3)
    stride = tuple(options.stride) or (1, 1)
    channels = options.kernelChannels // (groups if options.isDeconvolution else 1)
    shape = (options.outputChannels, channels, height, width)
    values = partial(_values, path, layer.name, options, shape)
    kind = kind_of(shape, groups, options.isDeconvolution)
    return convolution(path, layer.name, shape, values, kind=kind, groups=groups, stride=stride, depth=depth)


def _values(path: Path, name: str, options: Any, shape: tuple[int, int, int, int]) -> np.ndarray:
    weights = options.weights
    half = weights.float16Value
    values = np.frombuffer(half, "<f2") if half else np.array(weights.floatValue, np.float32)
    if len(values) != math.prod(shape):
        raise KeyfiltersError(f"{path}: {name!r} has {len(values):,} weights, which do not fill the shape {shape}")
    if not options.isDeconvolution:
        return values.reshape(shape)
    out, group_in, height, width = shape
    groups = options.nGroups or 1
    return from_iohw(values.reshape(group_in * groups, out // groups, height, width), groups)
