"""Effects between trainings: differences of accuracy with an interval that holds seeds and test images, and tests.

An effect is a mean over pairs of cells, in points of accuracy. Two things move it: the seed, which every training of a
pair shares, and the choice of the test images, which all seeds share. The variance of the mean over n seeds is

    s^2 / n  +  sum over targets of var(d) / N

where s is the standard deviation of the seeds' effects and d the mean difference of each of a target's N test images.
The second term holds a part of the first, so intervals are rather too wide than too narrow. Degrees of freedom by
Welch and Satterthwaite.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm, t

Tested = Mapping[int | None, np.ndarray]
"""By seed, which test images were right, bool `[N]`; None is the seed of a pretrained network."""
MOST_SEEDS = 1000  # that a study is asked for


@dataclass(frozen=True)
class Pair:
    """Two cells of one target, whose difference (one less other) is a part of an effect."""

    target: str
    one: Tested
    other: Tested

    @property
    def seeds(self) -> list[int]:
        """Seeds that both have; a pretrained network has all."""
        own = [set(tested) - {None} for tested in (self.one, self.other)]
        common = own[0] & own[1] if all(own) else own[0] | own[1]
        return sorted(common)

    def differences(self, seed: int) -> np.ndarray:
        """Of each test image, in -1, 0 and 1."""
        one, other = (tested.get(seed, tested.get(None)) for tested in (self.one, self.other))
        return one.astype(np.int8) - other.astype(np.int8)


@dataclass(frozen=True)
class Effect:
    """Mean, standard error and degrees of freedom in points; `deviation` is that of the seeds' effects.

    `lasting` is the variance, in squared points, that the choice of test images has however many seeds there are.
    """

    mean: float
    error: float | None
    freedom: float
    deviation: float | None
    seeds: int
    lasting: float = 0.0

    def interval(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """Two-sided; None with fewer than two seeds."""
        if self.error is None:
            return None
        half = float(t.ppf((1 + confidence) / 2, self.freedom)) * self.error
        return self.mean - half, self.mean + half

    def p_above(self, bound: float) -> float:
        """p of the test whose alternative is that the effect is above the bound; 1 with fewer than two seeds."""
        if self.error is None or math.isinf(bound):
            return 0.0 if bound == -math.inf else 1.0
        if self.error == 0:
            return 0.0 if self.mean > bound else 1.0
        return float(t.sf((self.mean - bound) / self.error, self.freedom))

    def p_below(self, bound: float) -> float:
        """p of the test whose alternative is that the effect is below the bound."""
        return replace(self, mean=-self.mean).p_above(-bound)


def effect(pairs: Sequence[Pair]) -> Effect | None:
    """The effect of the pairs, over the seeds that all of them have; None without any."""
    seeds = sorted(set.intersection(*(set(pair.seeds) for pair in pairs))) if pairs else []
    if not seeds:
        return None
    by_seed = np.zeros(len(seeds))
    of_target: dict[str, np.ndarray] = defaultdict(lambda: np.zeros((1, 1)))
    for pair in pairs:
        differences = 100 * np.stack([pair.differences(seed) for seed in seeds]) / len(pairs)
        by_seed += differences.mean(axis=1)
        of_target[pair.target] = of_target[pair.target] + differences
    by_image = {target: differences.mean(axis=0) for target, differences in of_target.items()}
    mean = float(by_seed.mean())
    if len(seeds) < 2:
        return Effect(mean, None, 0, None, len(seeds))
    of_seeds = float(by_seed.var(ddof=1)) / len(seeds)
    of_images = [float(values.var(ddof=1)) / len(values) for values in by_image.values()]
    total = of_seeds + sum(of_images)
    parts = [(of_seeds, len(seeds) - 1)] + [
        (variance, len(values) - 1) for variance, values in zip(of_images, by_image.values(), strict=True)
    ]
    below = sum(variance**2 / freedom for variance, freedom in parts)
    freedom = total**2 / below if below else float(len(seeds) - 1)
    lasting = sum(_lasting(differences) for differences in of_target.values())
    return Effect(mean, math.sqrt(total), freedom, float(by_seed.std(ddof=1)), len(seeds), lasting)


def _lasting(differences: np.ndarray) -> float:
    """The part of the variance of the mean over `[n, N]` (seeds, test images) that more seeds do not lessen.

    Images' mean square less that of the residuals, over n N: the component of the images in an analysis of variance of
    two crossed random factors (Searle, Casella and McCulloch 1992), not less than 0.
    """
    seeds, images = differences.shape
    by_image = differences.mean(axis=0)
    residuals = differences - differences.mean(axis=1, keepdims=True) - by_image + differences.mean()
    of_residuals = float((residuals**2).sum()) / max(1, (seeds - 1) * (images - 1))
    return max(0.0, (seeds * float(by_image.var(ddof=1)) - of_residuals) / (seeds * images))


def p_within(effect: Effect, low: float, high: float) -> float:
    """p of the test whose alternative is that the effect lies between the bounds: with two finite ones, equivalence by
    two one-sided tests."""
    return max(effect.p_above(low), effect.p_below(high))


def p_outside(effect: Effect, low: float, high: float) -> float:
    """p of the test whose alternative is that the effect lies on one given side outside of the bounds, the nearer."""
    return min(effect.p_below(low), effect.p_above(high))


def holm(values: Sequence[float]) -> list[float]:
    """p values adjusted for their number by Holm's method, in the order that they came in."""
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted, least = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        least = max(least, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = least
    return adjusted


def seeds_needed(
    effect: Effect, low: float, high: float, level: float = 0.025, power: float = 0.8, most: int = MOST_SEEDS
) -> int | None:
    """Seeds after which one-sided tests at `level` would tell, with this power, whether an effect of this size lies
    between the bounds; None if `most` do not suffice, for the test images' part of the error or for an effect at a
    bound.

    Within, all bounds have to be excluded, and each can be missed; outside, the nearer. With more seeds all of the
    error falls but its `lasting` part.
    """
    if effect.error is None:
        return None
    distances = [abs(effect.mean - bound) for bound in (low, high) if math.isfinite(bound)]
    if not low <= effect.mean <= high:
        distances = [min(distances)]
    falling = effect.seeds * max(0.0, effect.error**2 - effect.lasting)
    for seeds in range(2, most + 1):
        error = math.sqrt(falling / seeds + effect.lasting) or sys.float_info.min
        critical = float(t.ppf(1 - level, seeds - 1))
        if sum(float(norm.sf(distant / error - critical)) for distant in distances) <= 1 - power:
            return seeds
    return None


def least_distance(effect: Effect, power: float = 0.8) -> float:
    """How far from a bound an effect must lie for that test to tell with any number of seeds, in points: what is less
    is hidden by the choice of test images."""
    return float(norm.ppf(0.975) + norm.ppf(power)) * math.sqrt(effect.lasting)


def distance(effect: Effect, low: float, high: float) -> float:
    """From the effect to the nearer bound, in points."""
    return min(abs(effect.mean - bound) for bound in (low, high) if math.isfinite(bound))
