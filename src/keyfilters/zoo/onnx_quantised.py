"""Weights of the convolutions that compute with integers: QLinearConv, and ConvInteger of dynamic quantisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from onnx import helper

from keyfilters.zoo.onnx_graphs import Value, Vertex
from keyfilters.zoo.onnx_weights import Constant, Constants, evaluate

_ZERO_POINT = {"ConvInteger": 3, "QLinearConv": 5}
_SCALE = 4  # of QLinearConv


def is_quantised(vertex: Vertex) -> bool:
    """Whether scale and zero point of the weight are the convolution's own inputs."""
    return vertex.node.op_type in _ZERO_POINT


def dequantised(
    index: int, weight: Constant, vertices: Sequence[Vertex], users: Mapping[int, Sequence[int]], constants: Constants
) -> Constant | None:
    """The weight of convolution `index` as `(q - zero point) * scale`, None if one of these is no constant.

    `users`: the vertices that read each vertex. A ConvInteger whose scale is not found as `_scale_after` says has
    the scale 1.
    """
    vertex = vertices[index]
    sources = {}
    if vertex.node.op_type == "QLinearConv":
        sources["scale"] = constants.get(_input(vertex, _SCALE))
    elif scale := _scale_after(index, vertices, users, constants):
        sources["scale"] = scale
    zero_point = _input(vertex, _ZERO_POINT[vertex.node.op_type])
    if zero_point is not None:
        sources["zero"] = constants.get(zero_point)
    if None in sources.values():
        return None
    node = helper.make_node("DequantizeLinear", ["weight", "scale", "zero" if "zero" in sources else ""], ["result"])
    node.attribute.append(helper.make_attribute("axis", 0))

    def load() -> np.ndarray:
        inputs = {name: _scalar_or_vector(source.load()) for name, source in sources.items()}
        return evaluate(node, {"scale": np.float32(1), **inputs, "weight": weight.load()}, [])

    return Constant(load, weight.shape)


def _input(vertex: Vertex, position: int) -> Value | None:
    return vertex.inputs[position] if position < len(vertex.inputs) else None


def _scalar_or_vector(array: np.ndarray) -> np.ndarray:
    return array.reshape(()) if array.size == 1 else array.reshape(-1)


def _scale_after(
    index: int, vertices: Sequence[Vertex], users: Mapping[int, Sequence[int]], constants: Constants
) -> Constant | None:
    """The weight's scale as ONNX Runtime's dynamic quantisation leaves it: after the convolution come a Cast and
    a Mul by the product of the input's scale and the weight's, the one constant of the two."""
    for cast in _users(index, "Cast", vertices, users):
        for product in _users(cast, "Mul", vertices, users):
            for source in vertices[product].sources:
                if source != cast and vertices[source].node and vertices[source].node.op_type == "Mul":
                    scales = [constant for value in vertices[source].inputs if (constant := constants.get(value))]
                    return scales[0] if len(scales) == 1 else None
    return None


def _users(index: int, operator: str, vertices: Sequence[Vertex], users: Mapping[int, Sequence[int]]) -> Iterator[int]:
    for user in users.get(index, ()):
        if vertices[user].node and vertices[user].node.op_type == operator:
            yield user
