from __future__ import annotations

import random
import statistics

import pytest

from bench.median import confidence, median_of, rank


# From tables of the binomial distribution.
@pytest.mark.parametrize("count, k", [(6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (15, 4), (25, 8), (100, 40)])
def test_the_interval_is_the_narrowest_that_is_confident_enough(count: int, k: int) -> None:
    assert rank(count) == k
    assert confidence(count, k) >= 0.95 > confidence(count, k + 1)


def test_fifteen_values_have_their_median_between_the_fourth_and_the_twelfth() -> None:
    values = [float(value) for value in range(1, 16)]
    random.Random(1).shuffle(values)
    median = median_of(values)
    assert (median.value, median.low, median.high, median.count) == (8, 4, 12, 15)
    assert median.confidence == pytest.approx(1 - 2 * 576 / 32768)


def test_too_few_values_give_the_least_and_the_greatest_and_say_so() -> None:
    median = median_of([1.5, 1.0, 1.2])
    assert (median.low, median.high, median.confidence) == (1.0, 1.5, 0.75)
    assert str(median) == "1.20 (1.00 to 1.50*)"
    assert median_of([2.0]).confidence == 0
    assert str(median_of([1.0] * 15)) == "1.00 (1.00 to 1.00)"


def test_the_interval_holds_the_median_of_skewed_values_as_often_as_it_says() -> None:
    dice = random.Random(20260315)
    truth = statistics.NormalDist().inv_cdf(0.5)
    trials = 4000
    # exp of normal values: far from symmetric, with the median at exp(0).
    held = 0
    for _ in range(trials):
        median = median_of([2.718281828 ** dice.gauss(truth, 1) for _ in range(15)])
        held += median.low <= 1 <= median.high
    assert held / trials == pytest.approx(confidence(15, 4), abs=0.01)
