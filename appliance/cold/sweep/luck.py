"""Is the best of many good, or was it lucky? The deflated Sharpe ratio.

Bailey and Lopez de Prado, "The Deflated Sharpe Ratio: Correcting for Selection Bias, Backtest
Overfitting and Non-Normality", Journal of Portfolio Management 40 (5), 2014. Sharpe ratios here are
those of one return, not of a year.
"""

from collections.abc import Sequence
from math import e, isfinite, nan, sqrt
from statistics import NormalDist
from typing import Any, Final

import numpy as np

SURE: Final = 0.95  # below, the best is called likely luck
EULER: Final = 0.5772156649015329
_NORMAL: Final = NormalDist()


def expected_best(trials_n: int, deviation: float) -> float:
    """The Sharpe ratio that the best of ``trials_n`` without any skill would show.

    deviation x ((1 - EULER) x Z(1 - 1 / n) + EULER x Z(1 - 1 / (n e))), Z: quantile of the normal.
    """
    if trials_n < 2:
        return 0.0
    first = _NORMAL.inv_cdf(1 - 1 / trials_n)
    second = _NORMAL.inv_cdf(1 - 1 / (trials_n * e))
    return deviation * ((1 - EULER) * first + EULER * second)


def probability_above(
    sharpe: float, than: float, returns_n: int, skewness: float, kurtosis: float
) -> float:
    """That the true Sharpe ratio is above ``than``; kurtosis of the normal: 3.

    N((sharpe - than) x sqrt(n - 1) / sqrt(1 - skewness x sharpe + (kurtosis - 1) / 4 x sharpe^2))
    """
    spread = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe * sharpe
    if returns_n < 2 or not spread > 0:
        return nan
    return _NORMAL.cdf((sharpe - than) * sqrt(returns_n - 1) / sqrt(spread))


def deflated_sharpe(best_returns: Any, sharpes: Sequence[float]) -> float:
    """The same of the best trial, against the best that luck would have given among ``sharpes``,
    of one return each; NaN where it is not defined."""
    returns = np.asarray(best_returns, np.float64)
    known = [one for one in sharpes if isfinite(one)]
    if len(returns) < 3 or len(known) < 1:
        return nan
    deviation = float(np.std(returns))
    if not deviation > 0:
        return nan
    standard = (returns - returns.mean()) / deviation
    spread = float(np.std(known, ddof=1)) if len(known) > 1 else 0.0
    return probability_above(
        float(returns.mean() / np.std(returns, ddof=1)),
        expected_best(len(sharpes), spread),
        len(returns),
        float(np.mean(standard**3)),
        float(np.mean(standard**4)),
    )
