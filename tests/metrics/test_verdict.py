"""A verdict on two recipes: its intervals hold the true difference as often as they say, and its words follow them."""

import math

import numpy as np
import pytest
from scipy import stats
from stats import CHECKS, FAILURE_RATE

from arzhang.metrics import verdict as module
from arzhang.metrics.verdict import CONFIDENCE, Scores, direction, verdict

TRIALS = 2_000
TRUE = 0.7


def seeded(values, seeds=None):
    return Scores(list(values), list(range(len(values)) if seeds is None else seeds), None, 100)


def paired_seeds(rng):
    """Three seeds each, whose luck both share in part: the difference is known, the spread is not."""
    shared = 3 * rng.standard_normal(3)
    first, second = TRUE + shared + rng.standard_normal(3), shared + rng.standard_normal(3)
    return seeded(first), seeded(second)


def other_seeds(rng):
    return seeded(TRUE + rng.standard_normal(4)), seeded(2 * rng.standard_normal(5), range(10, 15))


def paired_images(rng):
    hard = 5 * rng.standard_normal(60)
    first, second = TRUE + hard + rng.standard_normal(60), hard + rng.standard_normal(60)
    return tuple(Scores([each.mean()], [0], each.std(ddof=1) / 60**0.5, 60, each) for each in (first, second))


def separate_images(rng):
    return tuple(Scores([value], [0], 1.0, 60) for value in rng.standard_normal(2) + np.array([TRUE, 0]))


def coverage(draw):
    rng = np.random.default_rng(0)
    found = [verdict(*draw(rng), better=1) for _ in range(TRIALS)]
    return sum(one.low <= TRUE <= one.high for one in found), {one.by for one in found}


def plausible(held):
    """Whether so many of the trials' intervals may hold the truth, at the suite's failure rate."""
    return stats.binomtest(held, TRIALS, CONFIDENCE).pvalue > FAILURE_RATE / CHECKS


@pytest.mark.parametrize(
    ("draw", "by"),
    [(paired_seeds, "seed pairs"), (paired_images, "image pairs"), (separate_images, "images")],
)
def test_intervals_hold_the_truth_at_their_stated_rate(draw, by, monkeypatch):
    held, ways = coverage(draw)
    assert ways == {by}
    assert plausible(held)
    # The planted error: a normal quantile for the few seeds, and errors a fifth too small for the many images.
    narrow = (lambda freedom: 1.96) if by == "seed pairs" else (lambda freedom: 0.8 * 1.96)
    monkeypatch.setattr(module, "_quantile", narrow)
    assert not plausible(coverage(draw)[0])


def test_welch_holds_it_at_least_as_often(monkeypatch):
    """Its degrees of freedom are an approximation, a little on the safe side here."""
    held, ways = coverage(other_seeds)
    assert ways == {"seeds"}
    assert CONFIDENCE - 0.01 < held / TRIALS < CONFIDENCE + 0.03
    monkeypatch.setattr(module, "_quantile", lambda freedom: 1.96)
    assert coverage(other_seeds)[0] / TRIALS < CONFIDENCE - 0.01


def test_pairs_are_matched_by_seed_whatever_their_order():
    first, second = seeded([1.0, 2.0, 4.0]), seeded([3.9, 1.0, 1.9], [2, 0, 1])
    found = verdict(first, second, better=-1)
    assert found.difference == pytest.approx(0.2 / 3)
    apart = np.array([0.0, 0.1, 0.1])
    half = stats.t.ppf(0.975, 2) * apart.std(ddof=1) / math.sqrt(3)
    assert (found.low, found.high) == pytest.approx((apart.mean() - half, apart.mean() + half))


def test_what_is_said_follows_interval_and_direction():
    low, high = seeded([1.0, 1.1, 0.9]), seeded([5.0, 5.2, 4.9])
    assert [verdict(low, high, better).says for better in (1, -1, 0)] == ["second", "first", "less"]
    assert [verdict(high, low, better).says for better in (1, -1, 0)] == ["first", "second", "more"]
    near = verdict(seeded([100.0, 100.1, 99.9]), seeded([100.01, 100.08, 99.92]), better=1)
    assert near.says == "alike"
    assert near.within == max(-near.low, near.high) < 1


@pytest.mark.parametrize("by", ["seeds", "images"])
def test_as_much_more_as_is_asked_for_decides_it(by):
    """Where the spread stays what it is, the number that is named is enough, and one less is not."""
    if by == "images":
        first, second = Scores([10.0], [0], 1.0, 100), Scores([11.0], [0], 1.0, 100)
        needed = verdict(first, second, 1).needed
        decided = [
            verdict(*(one._replace(error=(100 / (100 + more)) ** 0.5) for one in (first, second)), 1).says
            for more in (needed - 2, needed + 1)
        ]
    else:
        first, second = seeded([10.0, 12.0, 10.9]), seeded([10.3, 11.6, 12.2])
        found = verdict(first, second, 1)
        needed, spread = found.needed, np.array([-0.3, 0.4, -1.3]).std(ddof=1)
        decided = []
        for more in (needed - 1, needed):
            half = stats.t.ppf(0.975, 2 + more) * spread / math.sqrt(3 + more)
            decided.append("second" if half <= abs(found.difference) else "undecided")
    assert decided == ["undecided", "second"]


def test_one_run_without_an_error_says_nothing():
    found = verdict(Scores([1.0], [0], None, 10), Scores([2.0], [0], None, 10), 1)
    assert (found.low, found.says, found.by, found.needed) == (None, "undecided", "nothing", 2)
    assert verdict(seeded([1.0, 1.0]), seeded([1.0, 1.0]), 1).says == "alike"


def test_every_metric_of_sets_has_its_direction():
    assert direction("fid_samples") == direction("kid_made") == direction("negative_elbo") == -1
    assert direction("class_iou_made") == direction("told_samples") == 1
    assert direction("kl") == direction("variety") == direction("active_units") == 0
