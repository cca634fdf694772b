"""A statement of the paper's text on filters, and the verdict on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keyfilters.analysis.cluster_bootstrap import interval

MIN_CLUSTERS = 5  # that a verdict rests on
MARGIN = 0.25  # of the mean D between independent networks: what a difference may have that is called none
RULES = {
    "number": "the paper's is inside or outside the interval of ours, which says little where that is wide",
    "above zero": "supported if the interval is above 0, contradicted if below",
    "no difference": "supported if the interval is within a quarter of the mean D between independent networks, "
    "contradicted if outside",
}


@dataclass(frozen=True)
class Row:
    """One statement: what is measured, `draws [1 + samples]` of it, and from how many clusters of networks."""

    statement: str
    measure: str
    rule: str
    paper: float | None
    draws: np.ndarray
    clusters: int
    margin: float = 0.0

    @property
    def verdict(self) -> str:
        """What the rule says; with fewer clusters than a verdict needs, that."""
        bounds = interval(self.draws)
        if bounds is None or self.clusters < MIN_CLUSTERS:
            return "too few networks"
        low, high = bounds
        if self.rule == "number":
            return "inside" if low <= self.paper <= high else "outside"
        if self.rule == "above zero":
            return "supported" if low > 0 else "contradicted" if high < 0 else "undecided"
        if -self.margin < low and high < self.margin:
            return "supported"
        return "contradicted" if low > self.margin or high < -self.margin else "undecided"
