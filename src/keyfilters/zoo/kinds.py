"""Kinds of layers that a format does not tell, by what the code that made the file says of their names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np

from keyfilters.zoo.network import Convolution, Kind, Network

PATTERN = rf"([^=;]+=({'|'.join(get_args(Kind))})(; ?|$))*"
"""Of a text `regex=kind; regex=kind`."""


def with_kinds(network: Network, kinds: str) -> Network:
    """The network with the kinds that `kinds` gives to layers without one: the first whose pattern is in the name."""
    rules = [rule.strip().rpartition("=") for rule in kinds.split(";") if rule.strip()]
    return replace(network, convolutions=tuple(_with_kind(conv, rules) for conv in network.convolutions))


def _with_kind(convolution: Convolution, rules: list[tuple[str, str, str]]) -> Convolution:
    if convolution.kind is None:
        for pattern, _, kind in rules:
            if re.search(pattern, convolution.name):
                if kind == "transposed":
                    convolution = _swapped(convolution)
                return replace(convolution, kind=kind)
    return convolution


def _swapped(convolution: Convolution) -> Convolution:
    """A transposed convolution that was taken for another: its weight is stored as `[in, out, kh, kw]`."""
    first, second, *size = convolution.shape
    return replace(convolution, shape=(second, first, *size), load=_swap(convolution.load))


def _swap(load: Callable[[], np.ndarray]) -> Callable[[], np.ndarray]:
    return lambda: load().swapaxes(0, 1)
