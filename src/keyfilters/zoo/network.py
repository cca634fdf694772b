"""What every reader tells of a network: its 2-D convolutions with their weights, and what is around them.

What a format cannot tell is None: a bare state dict has no graph, so no depths, groups or strides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Kind = Literal["regular", "depthwise", "grouped", "transposed", "pointwise"]


@dataclass(frozen=True)
class Convolution:
    """One 2-D convolution: `load()` gives its weight, float32 `[out, in/groups, kh, kw]` of this `shape`.

    The weight is loaded layer by layer, so that a network of any size needs the memory of its largest layer.
    `depth`: nodes on the longest path from an input of the network to this one.
    """

    name: str
    shape: tuple[int, int, int, int]
    load: Callable[[], np.ndarray] = field(repr=False, compare=False)
    kind: Kind | None = None
    groups: int | None = None
    stride: tuple[int, int] | None = None
    depth: int | None = None


@dataclass(frozen=True)
class Network:
    """A network as its file tells it, convolutions in the order of execution, or of the file where it has no graph.

    `operators`: how many of each operator the whole graph has, under the format's names. `depth`: the greatest
    depth of a node. `left_out`: what is a convolution but no 2-D one with weights, a line with the reason each.
    """

    convolutions: tuple[Convolution, ...]
    operators: Mapping[str, int] | None = None
    depth: int | None = None
    producer: str | None = None
    op_set: int | None = None
    left_out: tuple[str, ...] = ()


def kind_of(shape: tuple[int, int, int, int], groups: int, transposed: bool = False) -> Kind:
    """The kind of a convolution with weight `[out, in/groups, kh, kw]`; depthwise is one group per input channel."""
    if transposed:
        return "transposed"
    if groups > 1:
        return "depthwise" if shape[1] == 1 else "grouped"
    return "pointwise" if shape[2:] == (1, 1) else "regular"
