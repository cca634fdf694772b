"""Caffe: a net with its weights, in the older and the newer form of layers, NVCaffe's half precision too."""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.graph import greatest, longest_paths
from keyfilters.zoo.network import Convolution, Network, kind_of
from keyfilters.zoo.protobuf import entries, messages
from keyfilters.zoo.weights import convolution, from_iohw, reader

MESSAGES = messages(
    "caffe",
    {
        "NetParameter": {"layers": "2 V1LayerParameter*", "layer": "100 LayerParameter*"},
        "V1LayerParameter": {
            "bottom": "2 string*",
            "top": "3 string*",
            "name": "4 string",
            "type": "5 int32",
            "blobs": "6 BlobProto*",
            "convolution_param": "10 ConvolutionParameter",
        },
        "LayerParameter": {
            "name": "1 string",
            "type": "2 string",
            "bottom": "3 string*",
            "top": "4 string*",
            "blobs": "7 BlobProto*",
            "convolution_param": "106 ConvolutionParameter",
        },
        "ConvolutionParameter": {
            "group": "5 uint32",
            "stride": "6 uint32*",
            "stride_h": "13 uint32",
            "stride_w": "14 uint32",
        },
        "BlobProto": {
            "num": "1 int32",
            "channels": "2 int32",
            "height": "3 int32",
            "width": "4 int32",
            "data": "5 float*",
            "shape": "7 BlobShape",
            "double_data": "8 double*",
            "raw_data_type": "10 int32",
            "raw_data": "12 bytes",
        },
        "BlobShape": {"dim": "1 int64*"},
    },
)
# Numbers of the older form in their order.
V1_NAMES = (
    "NONE ACCURACY BNLL CONCAT CONVOLUTION DATA DROPOUT EUCLIDEAN_LOSS FLATTEN HDF5_DATA HDF5_OUTPUT IM2COL IMAGE_DATA "
    "INFOGAIN_LOSS INNER_PRODUCT LRN MULTINOMIAL_LOGISTIC_LOSS POOLING RELU SIGMOID SOFTMAX SOFTMAX_LOSS SPLIT TANH "
    "WINDOW_DATA ELTWISE POWER SIGMOID_CROSS_ENTROPY_LOSS HINGE_LOSS MEMORY_DATA ARGMAX THRESHOLD DUMMY_DATA SLICE MVN "
    "ABSVAL SILENCE CONTRASTIVE_LOSS EXP DECONVOLUTION"
)
V1_TYPES = V1_NAMES.split()
CONVOLUTIONS = {"Convolution", "CONVOLUTION", "ConvolutionDepthwise", "DepthwiseConvolution"}
DECONVOLUTIONS = {"Deconvolution", "DECONVOLUTION"}
NET = {(1, 2), (2, 2), (3, 2), (4, 0), (4, 2), (5, 0), (6, 2), (7, 0), (8, 2), (100, 2)}  # fields and their wire types
RAW = {0: "<f8", 1: "<f4", 2: "<f2"}  # NVCaffe's types


def _recognises(path: Path, head: bytes) -> bool:
    net_fields = entries(path)
    layers = [entry for entry in net_fields if (entry.number, entry.wire) in ((2, 2), (100, 2))]
    if not layers or {(entry.number, entry.wire) for entry in net_fields} - NET:
        return False
    fields = {(entry.number, entry.wire) for entry in entries(path, layers[0].start, layers[0].end)}
    return ((5, 0) if layers[0].number == 2 else (2, 2)) in fields  # the type, a number in the older form


FORMAT = Format(extensions=(".caffemodel",), recognises=_recognises)


@reader("Caffe")
def read(path: Path) -> Network:
    """The layers in the order of the file, which is that of execution; data layers are inputs."""
    net = MESSAGES["NetParameter"]()
    net.ParseFromString(path.read_bytes())
    layers = [*net.layers, *net.layer]
    if not layers:
        raise KeyfiltersError(f"{path}: no layers in this Caffe file")
    types = [layer.type if isinstance(layer.type, str) else _v1(layer.type) for layer in layers]
    depths = _depths(layers)
    convolutions: list[Convolution] = []
    left_out: list[str] = []
    for layer, kind, depth in zip(layers, types, depths, strict=True):
        if kind not in CONVOLUTIONS | DECONVOLUTIONS:
            continue
        if not layer.blobs:
            left_out.append(f"{layer.name}: no weights in the file")
        elif len(_shape(layer.blobs[0])) != 4:
            left_out.append(f"{layer.name}: a weight of {len(_shape(layer.blobs[0]))} dimensions, no 2-D convolution")
        else:
            convolutions.append(_convolution(path, layer, kind in DECONVOLUTIONS, depth))
    return Network(
        tuple(convolutions), dict(sorted(Counter(types).items())), greatest(depths), left_out=tuple(left_out)
    )


def _v1(number: int) -> str:
    return V1_TYPES[number] if 0 <= number < len(V1_TYPES) else f"type {number}"


def _depths(layers: list[Any]) -> list[int | None]:
    producer: dict[str, int] = {}
    before, sources = [], []
    for i, layer in enumerate(layers):
        reads = [producer.get(name) for name in layer.bottom]
        before.append([j for j in reads if j is not None and layers[j].bottom])
        if any(j is None or not layers[j].bottom for j in reads):
            sources.append(i)
        # A layer may write over what it reads.
        producer |= dict.fromkeys(layer.top, i)
    return longest_paths(before, sources)


def _shape(blob: Any) -> tuple[int, ...]:
    return tuple(blob.shape.dim) if blob.HasField("shape") else (blob.num, blob.channels, blob.height, blob.width)


def _convolution(path: Path, layer: Any, is_transposed: bool, depth: int | None) -> Convolution:
    options, blob = layer.convolution_param, layer.blobs[0]
    shape, groups = _shape(blob), options.group or 1
    if is_transposed:
        shape = (shape[1] * groups, shape[0] // groups, *shape[2:])
    strides = list(options.stride) or [1]
    stride = (options.stride_h or strides[0], options.stride_w or strides[-1])
    values = partial(_values, path, layer.name, blob, groups if is_transposed else None)
    kind = kind_of(shape, groups, is_transposed)
    return convolution(path, layer.name, shape, values, kind=kind, groups=groups, stride=stride, depth=depth)


def _values(path: Path, name: str, blob: Any, transposed_groups: int | None) -> np.ndarray:
    if blob.raw_data:
        values = np.frombuffer(blob.raw_data, RAW[blob.raw_data_type])
    else:
        values = np.array(blob.data or blob.double_data, np.float32)
    shape = _shape(blob)
    if len(values) != math.prod(shape):
        raise KeyfiltersError(f"{path}: {name!r} has {len(values):,} weights, which do not fill the shape {shape}")
    weight = values.reshape(shape)
    return weight if transposed_groups is None else from_iohw(weight, transposed_groups)
