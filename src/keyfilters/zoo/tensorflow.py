"""Convolutions of TensorFlow graphs, whichever file holds them: TF.js graph models and frozen GraphDefs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keyfilters.zoo.graph import greatest, longest_paths
from keyfilters.zoo.network import Convolution, Network, kind_of
from keyfilters.zoo.weights import convolution, oihw_shape, to_oihw

# Operator to the layout of its second input, the weight.
LAYOUTS = {
    "Conv2D": "HWIO",
    "_FusedConv2D": "HWIO",
    "FusedConv2D": "HWIO",
    "DepthwiseConv2dNative": "HWIM",
    "FusedDepthwiseConv2dNative": "HWIM",
    "Conv2DBackpropInput": "HWOI",
}
OTHER_CONVOLUTIONS = {"Conv3D", "Conv3DBackpropInput", "Conv3DBackpropInputV2"}
INPUTS = {"Placeholder", "PlaceholderWithDefault"}
# What a weight passes through unchanged on its way to the convolution.
PASSES = {"Identity", "ReadVariableOp", "Switch", "Enter", "StopGradient"}


@dataclass(frozen=True)
class Node:
    """A node of a graph; `strides` has four numbers, in the order of `data_format`."""

    name: str
    op: str
    inputs: tuple[str, ...]
    strides: tuple[int, ...] = ()
    data_format: str = "NHWC"


@dataclass(frozen=True)
class Weight:
    """A constant, which `values()` gives in its own layout."""

    shape: tuple[int, ...]
    values: Callable[[], np.ndarray]

    def in_oihw(self, layout: str) -> np.ndarray:
        """Its values in `[out, in/groups, kh, kw]`."""
        return to_oihw(self.values(), layout)


def network(path: Path, nodes: Sequence[Node], weights: Mapping[str, Weight], **facts: Any) -> Network:
    """The network of a graph, convolutions in an order of execution.

    A weight that several nodes use is given once, under the first of them. TensorFlow runs a `Conv2D` with fewer
    channels in its weight than in its input only on some devices, and TF.js never: its groups are taken as 1.
    """
    index = {node.name: position for position, node in enumerate(nodes)}
    # `name:1` is the second output of a node, `^name` only waits for it.
    reads = [[name.lstrip("^").partition(":")[0] for name in node.inputs] for node in nodes]
    is_input = [node.op in INPUTS for node in nodes]
    before = [[index[name] for name in names if name in index and not is_input[index[name]]] for names in reads]
    _open_loops(nodes, before)
    sources = [i for i, names in enumerate(reads) if any(name in index and is_input[index[name]] for name in names)]
    depths = longest_paths(before, sources)

    convolutions: list[Convolution] = []
    left_out: list[str] = []
    users: dict[str, str] = {}
    order = sorted(range(len(nodes)), key=lambda i: float("inf") if depths[i] is None else depths[i])  # type: ignore[return-value]
    for i in order:
        node = nodes[i]
        if node.op in OTHER_CONVOLUTIONS:
            left_out.append(f"{node.name}: {node.op}, no 2-D convolution")
        if node.op not in LAYOUTS:
            continue
        name = _weight_of(i, nodes, reads, index, weights)
        if name is None:
            left_out.append(f"{node.name}: its weight is computed, not stored")
        elif name in users:
            left_out.append(f"{node.name}: the weight of {users[name]} again")
        else:
            users[name] = node.name
            convolutions.append(_convolution(path, node, weights[name], depths[i]))
    operators = dict(sorted(Counter(node.op for node in nodes).items()))
    return Network(tuple(convolutions), operators, greatest(depths), left_out=tuple(left_out), **facts)


def _open_loops(nodes: Sequence[Node], before: list[list[int]]) -> None:
    """Lead the values at the end of a loop's body out of the loop, not back to its start: the body counts once."""
    ends = {i: [j for j in before[i] if nodes[j].op == "NextIteration"] for i, n in enumerate(nodes) if n.op == "Merge"}
    for i, node in enumerate(nodes):
        if node.op == "Exit":
            switches = [j for j in before[i] if nodes[j].op == "Switch"]
            before[i] += [end for switch in switches for merge in before[switch] for end in ends.get(merge, ())]
    for merge, back in ends.items():
        before[merge] = [i for i in before[merge] if i not in back]


def _weight_of(
    node: int,
    nodes: Sequence[Node],
    reads: Sequence[Sequence[str]],
    index: Mapping[str, int],
    weights: Mapping[str, Weight],
) -> str | None:
    """The name of the constant that arrives at the second input of a node."""
    name = reads[node][1] if len(reads[node]) > 1 else ""
    for _ in nodes:
        if name in weights:
            return name
        if name not in index or nodes[index[name]].op not in PASSES or not reads[index[name]]:
            return None
        name = reads[index[name]][0]
    return None


def _convolution(path: Path, node: Node, weight: Weight, depth: int | None) -> Convolution:
    layout = LAYOUTS[node.op]
    shape = oihw_shape(weight.shape, layout)
    groups = weight.shape[2] if layout == "HWIM" and len(weight.shape) == 4 else 1
    first = 2 if node.data_format == "NCHW" else 1
    return convolution(
        path,
        node.name,
        shape,
        partial(weight.in_oihw, layout),
        kind=kind_of(shape, groups, transposed=layout == "HWOI"),
        groups=groups,
        stride=tuple(node.strides[first : first + 2]) if len(node.strides) == 4 else None,
        depth=depth,
    )
