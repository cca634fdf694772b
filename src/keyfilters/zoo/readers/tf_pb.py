"""Frozen TensorFlow graphs: a GraphDef with the weights among its constants."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo import tensorflow
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Network
from keyfilters.zoo.protobuf import entries, messages
from keyfilters.zoo.tensorflow import Node, Weight
from keyfilters.zoo.weights import reader

MESSAGES = messages(
    "tensorflow",
    {
        "GraphDef": {"node": "1 NodeDef*", "versions": "4 VersionDef"},
        "VersionDef": {"producer": "1 int32"},
        "NodeDef": {"name": "1 string", "op": "2 string", "input": "3 string*", "attr": "5 Attribute*"},
        "Attribute": {"key": "1 string", "value": "2 AttrValue"},
        "AttrValue": {"list": "1 ListValue", "s": "2 bytes", "tensor": "8 TensorProto"},
        "ListValue": {"i": "3 int64*"},
        "TensorProto": {
            "dtype": "1 int32",
            "tensor_shape": "2 TensorShapeProto",
            "tensor_content": "4 bytes",
            "float_val": "5 float*",
            "double_val": "6 double*",
            "half_val": "13 int32*",
        },
        "TensorShapeProto": {"dim": "2 Dim*"},
        "Dim": {"size": "1 int64"},
    },
)
TYPES = {1: "<f4", 2: "<f8", 19: "<f2"}


def _recognises(path: Path, head: bytes) -> bool:
    fields = entries(path)
    if not fields or {(entry.number, entry.wire) for entry in fields} - {(1, 2), (2, 2), (3, 0), (4, 2)}:
        return False
    node = {(entry.number, entry.wire) for entry in entries(path, fields[0].start, fields[0].end)}
    return fields[0].number == 1 and {(1, 2), (2, 2)} <= node <= {(number, 2) for number in range(1, 8)}


FORMAT = Format(extensions=(".pb",), recognises=_recognises)


@reader("TensorFlow graph")
def read(path: Path) -> Network:
    """The network of a frozen graph."""
    graph = MESSAGES["GraphDef"]()
    graph.ParseFromString(path.read_bytes())
    if not graph.node:
        raise KeyfiltersError(f"{path}: no nodes in this TensorFlow graph")
    nodes, weights = [], {}
    for node in graph.node:
        attributes = {attribute.key: attribute.value for attribute in node.attr}
        strides = tuple(attributes["strides"].list.i) if "strides" in attributes else ()
        data_format = attributes["data_format"].s.decode() if "data_format" in attributes else "NHWC"
        nodes.append(Node(node.name, node.op, tuple(node.input), strides, data_format))
        if node.op == "Const" and "value" in attributes and attributes["value"].tensor.dtype in TYPES:
            tensor = attributes["value"].tensor
            shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
            weights[node.name] = Weight(shape, partial(_values, path, node.name, tensor, shape))
    producer = f"tensorflow graph {graph.versions.producer}" if graph.versions.producer else None
    return tensorflow.network(path, nodes, weights, producer=producer)


def _values(path: Path, name: str, tensor: Any, shape: tuple[int, ...]) -> np.ndarray:
    if tensor.tensor_content:
        values = np.frombuffer(tensor.tensor_content, TYPES[tensor.dtype])
    elif tensor.half_val:
        values = np.array(tensor.half_val, np.uint16).view(np.float16)
    else:
        values = np.array(tensor.float_val or tensor.double_val, np.float32)
    count = math.prod(shape)
    if len(values) == 1:  # one value for all
        values = np.broadcast_to(values, count)
    if len(values) != count:
        raise KeyfiltersError(f"{path}: {name!r} has {len(values):,} weights, which do not fill the shape {shape}")
    return values.reshape(shape)
