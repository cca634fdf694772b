"""Effects between trainings: intervals that hold the truth as often as they say, and tests by hand."""

import math

import numpy as np
import pytest
from scipy.stats import nct, t

from keyfilters.analysis.effects import (
    Effect,
    Pair,
    distance,
    effect,
    holm,
    least_distance,
    p_outside,
    p_within,
    seeds_needed,
)


def study(generator, seeds=4, images=300, gain=0.0, of_seed=0.03):
    """Two cells whose images are hard or easy for both, whose seeds differ, and whose truth is `gain`."""
    easy = generator.normal(0.5, 1, images)
    one, other = {}, {}
    for seed in range(seeds):
        shift = generator.normal(0, of_seed)
        one[seed] = easy + generator.normal(0, 0.5, images) + gain + shift > 0
        other[seed] = easy + generator.normal(0, 0.5, images) > 0
    return Pair("set", one, other)


def test_the_interval_holds_the_truth_at_least_as_often_as_it_says():
    generator = np.random.default_rng(0)
    held = [low <= 0 <= high for low, high in (effect([study(generator)]).interval() for _ in range(300))]
    assert np.mean(held) >= 0.93


def test_test_images_count_though_all_seeds_agree():
    right = np.arange(100) < 60
    one = Pair("set", dict.fromkeys((0, 1), right), {seed: np.roll(right, 20) for seed in (0, 1)})
    estimate = effect([one])
    assert (estimate.mean, estimate.deviation) == (0, 0)
    assert estimate.error == pytest.approx(100 * np.std([1] * 20 + [-1] * 20 + [0] * 60, ddof=1) / 10)


def test_a_pretrained_network_has_every_seed_and_missing_seeds_are_left_out():
    right = np.array([True, False])
    pair = Pair("set", {0: right, 1: right, 2: right}, {None: ~right})
    assert pair.seeds == [0, 1, 2]
    assert effect([pair, Pair("set", {1: right, 2: right}, {0: right, 1: right})]).seeds == 1
    assert effect([Pair("set", {1: right}, {0: right})]) is None


def test_one_seed_has_no_interval_and_decides_nothing():
    estimate = effect([Pair("set", {0: np.array([True])}, {0: np.array([False])})])
    assert estimate.mean == 100
    assert estimate.interval() is None
    assert p_within(estimate, 0, math.inf) == 1


def test_equivalence_is_two_one_sided_tests():
    estimate = Effect(mean=0.5, error=0.2, freedom=9, deviation=0.6, seeds=10)
    assert p_within(estimate, -1, 1) == pytest.approx(estimate.p_below(1))
    low, high = estimate.interval(0.9)
    assert (p_within(estimate, -1, 1) < 0.05) == (low > -1 and high < 1)
    assert p_outside(estimate, -1, 1) > 0.5


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_more_spread_needs_more_seeds_and_images_can_be_too_few():
    few, many = (Effect(1, spread / 2, 3, spread, 4) for spread in (0.5, 2))
    assert seeds_needed(few, 0, math.inf) < seeds_needed(many, 0, math.inf)
    assert seeds_needed(Effect(0.1, 1, 3, 0.01, 4, lasting=1), 0, math.inf) is None


def test_what_lasts_is_the_images_own_part():
    """Not the part that each training has anew: with that alone more seeds decide, however small the effect."""
    generator = np.random.default_rng(2)
    seeds, images, own = 6, 2000, generator.normal(0.1, 0.4, 2000)

    def tested(shares):
        return {seed: generator.random(images) < shares for seed in range(seeds)}

    anew = effect([Pair("set", tested(0.52), tested(0.5))])
    lasts = effect([Pair("set", tested(np.clip(0.5 + own, 0, 1)), tested(0.5))])
    assert anew.lasting < 0.2 * anew.error**2
    truth = 1e4 * np.clip(0.5 + own, 0, 1).var() / images
    assert lasts.lasting == pytest.approx(truth, rel=0.2)


def test_seeds_needed_are_near_those_of_the_exact_power():
    """Of a one-sample t test at 5 % on two sides, for an effect of one standard deviation; by the noncentral t."""
    estimate = Effect(mean=1, error=1 / math.sqrt(5), freedom=4, deviation=1, seeds=5)
    exact = next(n for n in range(2, 50) if nct.sf(t.ppf(0.975, n - 1), n - 1, math.sqrt(n)) >= 0.8)
    assert exact <= seeds_needed(estimate, 0, math.inf) <= exact + 1


def test_power_is_what_the_seeds_needed_promise():
    generator = np.random.default_rng(1)
    pilot = effect([study(generator, seeds=6, images=4000, gain=0.1)])
    seeds = seeds_needed(pilot, 0, math.inf)
    rejections = [effect([study(generator, seeds, 4000, 0.1)]).p_above(0) < 0.025 for _ in range(60)]
    assert np.mean(rejections) > 0.6


def test_an_effect_at_its_bound_needs_more_seeds_than_there_are():
    """Even where none of the seeds and images so far differ, so that there is no error."""
    assert seeds_needed(Effect(mean=0, error=0, freedom=4, deviation=0, seeds=5), 0, math.inf) is None


def test_no_number_of_seeds_tells_what_lies_within_the_least_distance():
    for mean, decided in ((2.79, False), (2.81, True)):
        measured = Effect(mean, error=2, freedom=4, deviation=4, seeds=5, lasting=1)
        assert (seeds_needed(measured, 0, math.inf, most=10_000) is not None) == decided
        assert (distance(measured, 0, math.inf) > least_distance(measured)) == decided


@pytest.mark.parametrize(("mean", "bounds"), [(0.0, (-1, 1)), (0.3, (-1, 1)), (0.0, (-0.5, math.inf)), (2.0, (-1, 1))])
def test_the_tests_of_a_range_have_the_power_that_the_seeds_needed_promise(mean, bounds):
    """By drawing: in the middle of a range either bound can be missed."""
    seeds = seeds_needed(Effect(mean, 1.0, 9, math.sqrt(10), 10), *bounds)
    drawn = np.random.default_rng(1).normal(mean, math.sqrt(10), (4000, seeds))
    effects = [Effect(d.mean(), d.std(ddof=1) / math.sqrt(seeds), seeds - 1, None, seeds) for d in drawn]
    decided = np.mean([min(p_within(e, *bounds), p_outside(e, *bounds)) <= 0.025 for e in effects])
    assert 0.78 <= decided <= 0.85
