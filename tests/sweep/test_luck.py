"""appliance.cold.sweep.luck: against the figures of the paper, and against chance itself."""

import math

import numpy as np
import pytest

from appliance.cold.sweep.luck import deflated_sharpe, expected_best, probability_above


@pytest.mark.parametrize(("trials_n", "wanted"), [(100, 0.9004), (46, 0.9505)])
def test_the_example_of_the_paper(trials_n: int, wanted: float) -> None:
    """Five years of 250 daily returns, 2.5 a year, the trials' variance 1/2 a year, skewness -3,
    kurtosis 10: Bailey and Lopez de Prado (2014), "A numerical example"."""
    luck = expected_best(trials_n, math.sqrt(1 / (2 * 250)))
    if trials_n == 100:
        assert luck == pytest.approx(0.1132, abs=5e-5)
    sure = probability_above(2.5 / math.sqrt(250), luck, 1250, -3.0, 10.0)
    assert sure == pytest.approx(wanted, abs=5e-5)


def test_the_best_that_luck_gives() -> None:
    """The mean of the largest of n normal numbers, drawn."""
    chance = np.random.default_rng(7)
    for n in (10, 100, 1000):
        drawn = chance.normal(0, 0.3, (4000, n)).max(axis=1).mean()
        assert expected_best(n, 0.3) == pytest.approx(drawn, rel=0.05)
    assert expected_best(1, 0.3) == 0.0


def test_noise_is_seldom_called_good_and_skill_is() -> None:
    chance = np.random.default_rng(3)

    def sure(skill: float) -> float:
        trials = chance.normal(0, 1, (50, 1000))
        trials[17] += skill
        sharpes = trials.mean(axis=1) / trials.std(axis=1, ddof=1)
        return deflated_sharpe(trials[int(sharpes.argmax())], sharpes.tolist())

    noise = [sure(0.0) for _ in range(100)]
    assert np.mean([one > 0.95 for one in noise]) < 0.1
    assert min(sure(0.3) for _ in range(20)) > 0.95


@pytest.mark.parametrize("returns", [[], [0.1, 0.2], [0.0] * 50, [0.01] * 50])
def test_what_is_not_defined(returns: list[float]) -> None:
    assert math.isnan(deflated_sharpe(returns, [0.1, 0.2]))
    assert math.isnan(deflated_sharpe([0.1, -0.1, 0.3], [math.nan]))
    assert math.isnan(probability_above(3.0, 0.0, 100, 10.0, 1.0))
