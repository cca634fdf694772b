"""ONNX: the convolutions of its graph, of its subgraphs and local functions, through whatever holds their weights.

The weights of convolutions may be float, half or quantised; they are read layer by layer, from the file itself or
from external data beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
from onnx import AttributeProto, NodeProto, helper

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo import onnx_files
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Convolution, Network, kind_of
from keyfilters.zoo.onnx_graphs import Vertex, depths, flatten, inlined, ordered, users
from keyfilters.zoo.onnx_quantised import dequantised, is_quantised
from keyfilters.zoo.onnx_weights import Constant, Constants
from keyfilters.zoo.protobuf import entries

_WEIGHT = {"Conv": 1, "FusedConv": 1, "ConvTranspose": 1, "ConvInteger": 1, "QLinearConv": 3}
"""Which input of each operator is its weight."""


def _recognises(path: Path, head: bytes) -> bool:
    kinds = {(entry.number, entry.wire) for entry in entries(path)}
    of_model = {(1, 0), (2, 2), (3, 2), (4, 2), (5, 0), (6, 2), (7, 2), (8, 2), (14, 2), (20, 2), (25, 2), (26, 2)}
    return {(1, 0), (7, 2)} <= kinds <= of_model


def _siblings(member: PurePosixPath) -> Callable[[str], bool]:
    """External data are called as the file with an ending (`.data`, `_data`)."""
    return lambda name: name.startswith((f"{member}.", f"{member}_"))


FORMAT = Format(extensions=(".onnx",), recognises=_recognises, siblings=_siblings)


def read(path: Path) -> Network:
    """The network in the ONNX file `path`; external data lie in its folder.

    The weight of a quantised convolution is `(q - zero point) * scale`. A depth counts nodes on the longest
    path from an input; the bodies of If, Loop and Scan stand in their node's place and count once (see
    `onnx_graphs.flatten`). Raises KeyfiltersError, one line with file and reason, for anything that is no sound
    ONNX model; a layer's `load()` does so for weights that are not finite.
    """
    with _problems_in(path):
        model = inlined(onnx_files.parse(path))
        vertices = flatten(model.graph)
        order = ordered(vertices)
        depth = depths(vertices, order)
        constants = Constants(vertices, order, model.opset_import, path)
        convolutions, left_out = _convolutions(vertices, depth, constants, path)
        return Network(
            tuple(sorted(convolutions, key=lambda convolution: convolution.depth)),  # type: ignore[return-value]
            operators=dict(Counter(vertex.node.op_type for vertex in vertices if vertex.node)),
            depth=max(filter(None, depth), default=0),
            producer=f"{model.producer_name} {model.producer_version}".strip() or None,
            op_set=next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), None),
            left_out=tuple(left_out),
        )


@contextmanager
def _problems_in(path: Path) -> Iterator[None]:
    """Name the file in what is wrong with it, in one line."""
    try:
        yield
    except KeyfiltersError as error:
        raise KeyfiltersError(f"{path}: {' '.join(str(error).split())}") from error
    except OSError as error:
        raise KeyfiltersError(f"{path}: cannot be read: {error.strerror}") from error


def _convolutions(
    vertices: Sequence[Vertex], depth: Sequence[int | None], constants: Constants, path: Path
) -> tuple[list[Convolution], list[str]]:
    """The 2-D convolutions with weights, and a line for each other one."""
    convolutions, left_out, taken = [], [], Counter()
    read_by = users(vertices)
    for index, vertex in enumerate(vertices):
        if vertex.node is None or "Conv" not in vertex.node.op_type:
            continue
        name = _unique(_name(vertex.node), taken)
        weight, reason = _weight(vertex, constants)
        if weight and is_quantised(vertex):
            weight = dequantised(index, weight, vertices, read_by, constants)
            reason = "the scale or zero point of its weight is no constant"
        if weight and depth[index] is None:
            weight, reason = None, "no path leads to it from an input of the network"
        if weight:
            convolutions.append(_convolution(name, vertex.node, weight, depth[index], path))
        else:
            left_out.append(f"{name}: {reason}")
    return convolutions, left_out


def _name(node: NodeProto) -> str:
    position = _WEIGHT.get(node.op_type, len(node.input))
    weight = node.input[position] if position < len(node.input) else ""
    return " ".join((node.name or weight or node.op_type).split())


def _unique(name: str, taken: Counter[str]) -> str:
    """The name, with a number if it is taken."""
    unique = name
    while unique in taken:
        taken[name] += 1
        unique = f"{name}_{taken[name]}"
    taken[unique] = 1
    return unique


def _weight(vertex: Vertex, constants: Constants) -> tuple[Constant | None, str]:
    """The weight of a convolution in the layout of its operator, or None and why there is none."""
    node = vertex.node
    if node.op_type not in _WEIGHT:
        return None, f"{node.op_type} is none of {', '.join(_WEIGHT)}"
    if _WEIGHT[node.op_type] >= len(vertex.inputs):
        return None, "it has no weight"
    weight = constants.get(vertex.inputs[_WEIGHT[node.op_type]])
    if weight is None:
        return None, "its weight is no constant, or one that is computed in a way that is not followed"
    dimensions = len(weight.shape()) - 2
    if dimensions != 2:
        return None, f"a {dimensions}-D convolution"
    return weight, ""


def _convolution(name: str, node: NodeProto, weight: Constant, depth: int, path: Path) -> Convolution:
    transposed = node.op_type == "ConvTranspose"
    groups, stride = _attribute(node, "group", 1), _attribute(node, "strides", [1, 1])
    stored = weight.shape()
    if 0 in stored or groups < 1 or stored[0] % groups or len(stride) != 2:
        raise KeyfiltersError(f"{name} cannot have a weight {stored}, {groups} groups and strides {list(stride)}")
    shape = (stored[1] * groups, stored[0] // groups, *stored[2:]) if transposed else stored

    def load() -> np.ndarray:
        with _problems_in(path):
            array = weight.load()
            return _finite(name, _outputs_first(array, groups) if transposed else array)

    return Convolution(name, shape, load, kind_of(shape, groups, transposed), groups, tuple(stride), depth)


def _attribute(node: NodeProto, name: str, default: int | list[int]) -> int | list[int]:
    """An attribute of the type of its default."""
    wanted = AttributeProto.INTS if isinstance(default, list) else AttributeProto.INT
    values = (helper.get_attribute_value(a) for a in node.attribute if a.name == name and a.type == wanted)
    return next(values, default)


def _outputs_first(weight: np.ndarray, groups: int) -> np.ndarray:
    """`[in, out/groups, kh, kw]` of a transposed convolution as `[out, in/groups, kh, kw]`."""
    inputs, outputs, *size = weight.shape
    grouped = weight.reshape(groups, inputs // groups, outputs, *size).swapaxes(1, 2)
    return grouped.reshape(groups * outputs, inputs // groups, *size)


def _finite(name: str, weight: np.ndarray) -> np.ndarray:
    """The weight as contiguous float32. Raises KeyfiltersError for numbers that are not finite."""
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        weight = np.ascontiguousarray(weight.astype(np.float32, copy=False))
    if not np.isfinite(weight).all():
        raise KeyfiltersError(f"layer {name!r} has weights that are NaN or infinite")
    return weight
