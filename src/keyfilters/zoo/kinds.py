"""What a package's own code says of layers whose kind its weight file does not tell.

A statement is a list of `pattern=kind`, as in `^up=transposed; _dw_=depthwise; =regular`: of each layer whose kind is
unknown the first pattern that is found in its name (a regular expression; the empty one is in every name) decides.
A kind may be followed by the layout of the stored weights, as in `=regular OHWI`; without one it is OIHW, and IOHW
of transposed convolutions. `none` takes out a tensor that only looks like the weight of a convolution.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.network import Convolution, Network, kind_of
from keyfilters.zoo.weights import to_oihw

KINDS = ("regular", "depthwise", "transposed", "none")


@dataclass(frozen=True)
class Rule:
    """One `pattern=kind layout`."""

    pattern: str
    kind: str
    layout: str


def parse(statement: str) -> tuple[Rule, ...]:
    """The rules of a statement; none of an empty one. Raises KeyfiltersError if it is not written as it must be."""
    rules = []
    for part in filter(None, map(str.strip, statement.split(";"))):
        pattern, equals, rest = part.rpartition("=")
        kind, _, layout = rest.strip().partition(" ")
        layout = layout.strip() or ("IOHW" if kind == "transposed" else "OIHW")
        if not equals or kind not in KINDS:
            raise KeyfiltersError(f"kinds: {part!r} is no pattern=kind with one of the kinds {', '.join(KINDS)}")
        if sorted(layout) != sorted("OIHW"):
            raise KeyfiltersError(f"kinds: {part!r} has the layout {layout!r}, which is no order of O, I, H and W")
        try:
            re.compile(pattern)
        except re.error as error:
            raise KeyfiltersError(f"kinds: {pattern!r} is no regular expression ({error})") from error
        rules.append(Rule(pattern.strip(), kind, layout))
    return tuple(rules)


def apply(network: Network, rules: Sequence[Rule]) -> Network:
    """The network with the kinds and groups that the rules state of layers whose kind is unknown.

    `regular` means one group (of size 1x1: pointwise), `depthwise` one filter for each channel.
    Raises KeyfiltersError if a rule decides of no layer, or states depthwise of weights that cannot be.
    """
    used: set[Rule] = set()
    convolutions: list[Convolution] = []
    left_out = list(network.left_out)
    for layer in network.convolutions:
        rule = next((rule for rule in rules if re.search(rule.pattern, layer.name)), None)
        if layer.kind is not None or rule is None:
            convolutions.append(layer)
            continue
        used.add(rule)
        if rule.kind == "none":
            left_out.append(f"{layer.name}: no convolution, as the package's code says")
        else:
            convolutions.append(_stated(layer, rule))
    for rule in rules:
        if rule not in used:
            raise KeyfiltersError(
                f"kinds: {rule.pattern!r}={rule.kind} decides of no layer of unknown kind; take it out"
            )
    return replace(network, convolutions=tuple(convolutions), left_out=tuple(left_out))


def _stated(layer: Convolution, rule: Rule) -> Convolution:
    shape = tuple(layer.shape[rule.layout.index(axis)] for axis in "OIHW")
    if rule.kind == "depthwise" and shape[1] != 1:
        raise KeyfiltersError(f"kinds: {layer.name!r} is stated depthwise and has the shape {shape}")
    groups = shape[0] if rule.kind == "depthwise" else 1
    kind = kind_of(shape, groups, transposed=rule.kind == "transposed")
    return replace(layer, shape=shape, load=partial(_load, layer, rule.layout), kind=kind, groups=groups)


def _load(layer: Convolution, layout: str) -> np.ndarray:
    return np.ascontiguousarray(to_oihw(layer.load(), layout))
