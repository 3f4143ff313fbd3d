"""Figures for people: three digits and a unit."""

import time


def duration(ns: float) -> str:
    """Three digits and a unit: ``950 ns``, ``1.24 µs``, ``68.7 s``."""
    for unit, size in (("ns", 1), ("µs", 1e3), ("ms", 1e6)):
        if ns < 999.5 * size:
            return f"{_three(ns / size, whole=size == 1)} {unit}"
    return f"{_three(ns / 1e9, whole=False)} s"


def amount(n: float) -> str:
    """Three to four digits: ``0``, ``9,999``, ``12.3k``, ``1.05M``."""
    if n < 10_000:
        return f"{n:,.0f}"
    for unit, size in (("k", 1e3), ("M", 1e6), ("G", 1e9)):
        if n < 999.5 * size:
            return f"{_three(n / size, whole=False)}{unit}"
    return f"{n / 1e12:,.2f}T"


def _three(value: float, *, whole: bool) -> str:
    if whole or value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def time_of_day(ns: int) -> str:
    """Time of day, UTC, to the millisecond."""
    return time.strftime("%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns // 10**6 % 1000:03d}"
