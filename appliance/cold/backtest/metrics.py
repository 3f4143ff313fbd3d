"""Figures of an equity curve, as the field defines them. Formulas beside each.

``returns`` are those of equal intervals, ``periods`` how many of them make a year of 365 days: a
market that never closes has no 252 trading days. NaN: it is not defined for this curve.
"""

from typing import Any, Final

import numpy as np

Curve = np.ndarray[Any, np.dtype[np.float64]]

YEAR_S: Final = 365 * 86_400
RETURNS_LEAST_N: Final = 30  # below, no ratio means anything: NaN


def returns_of(equity: Curve) -> Curve:
    """From each value to the next. NaN where the one before is not above zero."""
    before = equity[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(before > 0, equity[1:] / before - 1, np.nan)


def total_return(equity: Curve) -> float:
    """last / first - 1."""
    if len(equity) < 2 or equity[0] <= 0:
        return np.nan
    return float(equity[-1] / equity[0] - 1)


def max_drawdown(equity: Curve) -> float:
    """The deepest fall from a peak before it, as a share of the peak: zero or negative."""
    if len(equity) < 2 or equity[0] <= 0:
        return np.nan
    return float((equity / np.maximum.accumulate(equity) - 1).min())


def sharpe_ratio(returns: Curve, periods: float) -> float:
    """mean / standard deviation (n - 1) x sqrt(periods). Sharpe (1994), no risk-free rate."""
    if len(returns) < RETURNS_LEAST_N:
        return np.nan
    deviation = float(np.std(returns, ddof=1))
    if not deviation > 0:
        return np.nan
    return float(np.mean(returns) / deviation * np.sqrt(periods))


def sortino_ratio(returns: Curve, periods: float) -> float:
    """mean x periods / (root of the mean square of the losses x sqrt(periods)). Sortino (1994)."""
    if len(returns) < RETURNS_LEAST_N:
        return np.nan
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)) * np.sqrt(periods))
    if not downside > 0:
        return np.nan
    return float(np.mean(returns) * periods / downside)


def annual_return(equity: Curve, periods: float) -> float:
    """(product of 1 + return) ^ (1 / years) - 1: compound growth."""
    n = len(equity) - 1
    if n < RETURNS_LEAST_N or equity[0] <= 0 or equity[-1] <= 0:
        return np.nan
    with np.errstate(over="ignore"):
        return float(np.prod(returns_of(equity) + 1) ** (1 / (n / periods)) - 1)


def calmar_ratio(equity: Curve, periods: float) -> float:
    """annual return / depth of the deepest drawdown. Young (1991)."""
    fall = max_drawdown(equity)
    if not fall < 0:
        return np.nan
    return annual_return(equity, periods) / -fall
