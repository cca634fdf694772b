"""Differences of accuracy between cells, from the test images that each seed's training got right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from keyfilters.analysis.effects import Effect, Pair, effect
from keyfilters.training.testing import unpacked

Record = Mapping[str, Any]
"""Of a cell, as `cells.load` gives it."""
Compared = Sequence[tuple[Record, Record]]
"""Pairs of cells, each of one target."""

_unpacked = cache(unpacked)  # a cell is compared with many


def difference(compared: Compared) -> Effect | None:
    """The mean over the pairs of the first cell's accuracy minus the second's, in points; None without a pair, or
    without a seed that all cells have."""
    return effect([Pair(one["target"]["name"], _tested(one), _tested(other)) for one, other in compared])


def _tested(record: Record) -> dict[int | None, Any]:
    images = record["target"]["test"]
    return {run["seed"]: _unpacked(run["correct"], images) for run in record["runs"]}


def bounds(estimate: Effect | None) -> tuple[float, float] | tuple[None, None]:
    """The 95 % interval of a difference; None and None with one seed, which has none."""
    return (estimate.interval() if estimate else None) or (None, None)


def excludes_zero(estimate: Effect | None) -> bool:
    """Whether the 95 % interval of a difference lies on one side of 0; not with one seed, which has no interval."""
    low, high = bounds(estimate)
    return low is not None and high is not None and not low <= 0 <= high


def in_points(estimate: Effect | None) -> str:
    """`+1.3 (+0.2 to +2.4)`, without interval where there is none."""
    if estimate is None:
        return ""
    low, high = bounds(estimate)
    return f"{estimate.mean:+.1f}" + ("" if low is None else f" ({low:+.1f} to {high:+.1f})")
