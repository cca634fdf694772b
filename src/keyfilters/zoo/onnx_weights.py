"""Which values of an ONNX graph are constant, and their numbers: tensors of the file and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from onnx import NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto, helper
from onnx.reference import ReferenceEvaluator

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.onnx_files import StoredTensor
from keyfilters.zoo.onnx_graphs import Value, Vertex

_STEPS = 100  # operators behind one weight; real files have up to three
_UNCHANGED = ("Identity", "Quant", "BipolarQuant")  # QONNX: the tensor before Quant holds the trained weights
_QUANTISATION = 19  # the least operator set whose quantisation the reference implementation has
_COMPUTED = ("Cast", "DequantizeLinear", "QuantizeLinear", "Transpose", "Reshape", "Squeeze", "Unsqueeze")
"""Operators whose output is no larger than their inputs, so that no file can make them fill the memory."""


@dataclass(frozen=True)
class Constant:
    """A constant value; `load()` gives its numbers in their type. `steps`: operators between it and the file."""

    load: Callable[[], np.ndarray]
    shape: Callable[[], tuple[int, ...]]
    steps: int = 0


class Constants:
    """The constant values of a flattened graph."""

    def __init__(
        self, vertices: Sequence[Vertex], order: Iterable[int], op_sets: Sequence[OperatorSetIdProto], path: Path
    ) -> None:
        self._op_sets, self._path = op_sets, path
        self._computed: dict[int, Constant] = {}
        for index in order:
            constant = self._after(vertices[index])
            if constant:
                self._computed[index] = constant

    def get(self, value: Value | None) -> Constant | None:
        """The constant that `value` stands for, None if it is none or none that can be followed."""
        if isinstance(value, int):
            return self._computed.get(value)
        if isinstance(value, TensorProto):
            return self._stored(value)
        return None

    def _stored(self, tensor: TensorProto) -> Constant:
        stored = cache(lambda: StoredTensor(tensor, self._path))  # which checks the tensor
        return Constant(lambda: stored().load(), lambda: stored().shape)

    def _after(self, vertex: Vertex) -> Constant | None:
        """The constant that this vertex gives."""
        node = vertex.node
        if node is None:
            return None
        if node.op_type == "Constant":
            stored = (self._stored(attribute.t) for attribute in node.attribute if attribute.name == "value")
            return next(stored, None) or self._evaluated(node, {}, 1)
        if node.op_type not in _UNCHANGED + _COMPUTED or not node.input:
            return None
        sources = {name: self.get(value) for name, value in zip(node.input, vertex.inputs, strict=True) if name}
        first = sources.get(node.input[0])
        if first is None or node.op_type in _UNCHANGED:
            return first
        steps = 1 + sum(source.steps for source in sources.values() if source)
        if None in sources.values() or steps > _STEPS:
            return None
        return self._evaluated(node, sources, steps)

    def _evaluated(self, node: NodeProto, sources: Mapping[str, Constant], steps: int) -> Constant:
        """What the node makes of its sources."""

        def load() -> np.ndarray:
            return evaluate(node, {name: source.load() for name, source in sources.items()}, self._op_sets)

        return Constant(load, cache(lambda: load().shape), steps)


def evaluate(node: NodeProto, inputs: Mapping[str, np.ndarray], op_sets: Sequence[OperatorSetIdProto]) -> np.ndarray:
    """The first output of one node by ONNX's reference implementation."""
    if node.op_type in ("DequantizeLinear", "QuantizeLinear"):  # the older ones are the same, with less choice
        versions = [entry.version for entry in op_sets if entry.domain in ("", "ai.onnx")]
        op_sets = [helper.make_operatorsetid("", max([_QUANTISATION, *versions]))]
    values = [ValueInfoProto(name=name) for name in inputs]
    graph = helper.make_graph([node], "weight", values, [ValueInfoProto(name=node.output[0])])
    try:
        return ReferenceEvaluator(helper.make_model(graph, opset_imports=op_sets)).run(None, dict(inputs))[0]
    except Exception as error:  # of any type, since the library computes with whatever the file holds
        raise KeyfiltersError(f"{node.op_type} of a weight cannot be computed: {error}") from error
