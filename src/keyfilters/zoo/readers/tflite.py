"""TensorFlow Lite: float, float16 and quantised models."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tflite

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.graph import greatest, longest_paths
from keyfilters.zoo.network import Convolution, Network, kind_of
from keyfilters.zoo.sparse import to_dense
from keyfilters.zoo.weights import convolution, reader, to_oihw

IDENTIFIER = b"TFL3"
OPERATORS = {
    number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int) and name[0] != "_"
}
# Operator to the class of its options; the weight is always the second input.
CONVOLUTIONS = {
    "CONV_2D": tflite.Conv2DOptions,
    "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
    "TRANSPOSE_CONV": tflite.TransposeConvOptions,
}
TYPES = {
    tflite.TensorType.FLOAT32: "<f4",
    tflite.TensorType.FLOAT16: "<f2",
    tflite.TensorType.INT32: "<i4",
    tflite.TensorType.UINT8: "u1",
    tflite.TensorType.INT16: "<i2",
    tflite.TensorType.INT8: "i1",
}


FORMAT = Format(extensions=(".tflite",), recognises=lambda path, head: head[4:8] == IDENTIFIER)


@reader("TensorFlow Lite")
def read(path: Path) -> Network:
    """The convolutions of all subgraphs; only those of the first, the network itself, have depths."""
    content = np.memmap(path, np.uint8, "r")
    if bytes(content[4:8]) != IDENTIFIER:
        raise KeyfiltersError(f"{path}: no TensorFlow Lite file (its identifier is not TFL3)")
    model = tflite.Model.GetRootAsModel(content, 0)
    names = [_operator(model.OperatorCodes(i)) for i in range(_bounded(model.OperatorCodesLength(), content))]
    convolutions: list[Convolution] = []
    left_out: list[str] = []
    operators: Counter[str] = Counter()
    depth = None
    for position in range(_bounded(model.SubgraphsLength(), content)):
        graph = _Graph(path, content, model, model.Subgraphs(position), names)
        operators.update(graph.ops)
        depths = graph.depths() if position == 0 else [None] * len(graph.ops)
        depth = greatest(depths) if position == 0 else depth
        for i in range(len(graph.ops)):
            for item in graph.convolutions(i, depths[i]):
                (left_out if isinstance(item, str) else convolutions).append(item)
    description = model.Description()
    producer = description.decode() if description else None
    return Network(tuple(convolutions), dict(sorted(operators.items())), depth, producer, left_out=tuple(left_out))


def _operator(code: Any) -> str:
    number = code.BuiltinCode()
    if number == tflite.BuiltinOperator.CUSTOM:
        return f"CUSTOM {(code.CustomCode() or b'').decode()}"
    return OPERATORS.get(number, f"operator {number}")


def _bounded(length: int, content: np.ndarray) -> int:
    """A length that the file tells; one that is damaged would make an endless loop."""
    if length * 4 > len(content):
        raise ValueError(f"a list of {length:,} entries is longer than the file")
    return length


class _Graph:
    """A subgraph: its operators in the order of execution."""

    def __init__(self, path: Path, content: np.ndarray, model: Any, graph: Any, names: Sequence[str]) -> None:
        self.path, self.content, self.model, self.graph = path, content, model, graph
        count = _bounded(graph.OperatorsLength(), content)
        self.items = [graph.Operators(i) for i in range(count)]
        self.ops = [names[item.OpcodeIndex()] for item in self.items]
        self.reads = [_numbers(item.InputsLength(), item.Inputs, content) for item in self.items]
        self.gives = [_numbers(item.OutputsLength(), item.Outputs, content) for item in self.items]
        self.producer = {tensor: i for i, outputs in enumerate(self.gives) for tensor in outputs}
        self.tensor_count = _bounded(graph.TensorsLength(), content)
        self.used: dict[int, str] = {}

    def depths(self) -> list[int | None]:
        starts = set(_numbers(self.graph.InputsLength(), self.graph.Inputs, self.content))
        before = [[self.producer[tensor] for tensor in tensors if tensor in self.producer] for tensors in self.reads]
        return longest_paths(before, [i for i, tensors in enumerate(self.reads) if starts.intersection(tensors)])

    def tensor(self, index: int) -> Any:
        if not 0 <= index < self.tensor_count:
            raise ValueError(f"there is no tensor {index}")
        return self.graph.Tensors(index)

    def shape(self, index: int) -> tuple[int, ...]:
        tensor = self.tensor(index)
        return tuple(_numbers(tensor.ShapeLength(), tensor.Shape, self.content))

    def name(self, index: int) -> str:
        return (self.tensor(index).Name() or b"").decode()

    def convolutions(self, i: int, depth: int | None) -> list[Convolution | str]:
        """The convolution that operator i is, or why it is left out; empty for other operators."""
        op = self.ops[i]
        if op not in CONVOLUTIONS:
            return [f"{self.name(self.gives[i][0])}: {op} is not read"] if "CONV" in op.upper() else []
        name = self.name(self.gives[i][0])
        weight = self.stored(self.reads[i][1])
        if isinstance(weight, str):
            return [f"{name}: {weight}"]
        if weight in self.used:
            return [f"{name}: the weight of {self.used[weight]} again"]
        self.used[weight] = name
        return [self.convolution(i, name, weight, depth)]

    def stored(self, index: int) -> int | str:
        """The tensor whose buffer holds the values of a weight, or why there is none."""
        for _ in self.ops:
            tensor = self.tensor(index)
            if len(self.bytes(tensor)):
                return index
            producer = self.producer.get(index)
            if producer is None or self.ops[producer] not in ("DEQUANTIZE", "DENSIFY"):
                break
            index = self.reads[producer][0]
        return "its weight is computed, not stored"

    def bytes(self, tensor: Any) -> np.ndarray:
        if tensor.Buffer() >= _bounded(self.model.BuffersLength(), self.content):
            raise ValueError(f"there is no buffer {tensor.Buffer()}")
        buffer = self.model.Buffers(tensor.Buffer())
        if buffer.Offset() > 1:  # outside the tables, in files above 2 GB
            return self.content[buffer.Offset() : buffer.Offset() + buffer.Size()]
        return self.content[:0] if buffer.DataIsNone() else buffer.DataAsNumpy()

    def convolution(self, i: int, name: str, weight: int, depth: int | None) -> Convolution:
        op, shape = self.ops[i], self.shape(weight)
        if len(shape) != 4:
            raise KeyfiltersError(f"{self.path}: {name!r} has a weight of the shape {shape}")
        options = CONVOLUTIONS[op]()
        table = self.items[i].BuiltinOptions()
        if table is None:
            raise ValueError(f"{name!r} has no options")
        options.Init(table.Bytes, table.Pos)
        channels = self.shape(self.reads[i][0])[-1:] if op != "TRANSPOSE_CONV" else ()
        if op == "DEPTHWISE_CONV_2D":
            # [1, kh, kw, out]: a multiplier above 1 changes fastest in the last.
            shape, layout = (shape[3], shape[0], shape[1], shape[2]), "IHWO"
            groups = channels[0] if channels else shape[0] // max(options.DepthMultiplier(), 1)
        else:
            shape, layout = (shape[0], shape[3], shape[1], shape[2]), "OHWI"
            groups = channels[0] // shape[1] if channels and shape[1] else 1
        return convolution(
            self.path,
            name,
            shape,
            partial(self.values, weight, layout),
            kind=kind_of(shape, groups, transposed=op == "TRANSPOSE_CONV"),
            groups=groups,
            stride=(options.StrideH(), options.StrideW()),
            depth=depth,
        )

    def values(self, index: int, layout: str) -> np.ndarray:
        """The values of a stored tensor, float32, with its quantisation undone."""
        tensor = self.tensor(index)
        data, shape = self.bytes(tensor), self.shape(index)
        if tensor.Type() not in TYPES:
            raise ValueError(f"values of type {tensor.Type()} are not known")
        kind = np.dtype(TYPES[tensor.Type()])
        sparsity = tensor.Sparsity()
        if sparsity is None and len(data) != math.prod(shape) * kind.itemsize:
            raise KeyfiltersError(
                f"{self.path}: {self.name(index)!r} has {len(data):,} bytes, which do not fill the shape {shape}"
            )
        values = data.view(kind)
        values = values.reshape(shape) if sparsity is None else to_dense(values, shape, sparsity)
        quantization = tensor.Quantization()
        if kind.kind != "f" and quantization is not None and not quantization.ScaleIsNone():
            scale = np.asarray(quantization.ScaleAsNumpy(), np.float32)
            zero = 0 if quantization.ZeroPointIsNone() else quantization.ZeroPointAsNumpy()
            if len(scale) > 1:
                one = [1] * len(shape)
                one[quantization.QuantizedDimension()] = -1
                scale, zero = scale.reshape(one), np.reshape(zero, one)
            values = (values.astype(np.int64) - zero).astype(np.float32) * scale
        return to_oihw(values, layout)


def _numbers(length: int, item: Any, content: np.ndarray) -> list[int]:
    return [int(item(i)) for i in range(_bounded(length, content))]
