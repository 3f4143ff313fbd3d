"""A row of bars for a terminal."""

from collections.abc import Sequence
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"


def sparkline(points: Sequence[tuple[int, float]], span: tuple[int, int], width: int) -> str:
    """Of (time, value), the greatest value of each of ``width`` equal parts of ``span`` (its first
    and last moment), from the least value at the bottom to the greatest at the top; a part without
    any is empty."""
    first, last = span
    columns: list[float | None] = [None] * width
    for time_ns, value in points:
        k = min((time_ns - first) * width // max(last - first, 1), width - 1)
        held = columns[k]
        columns[k] = value if held is None else max(held, value)
    values = [value for value in columns if value is not None]
    if not values:
        return " " * width
    least, most = min(values), max(values)
    scale = (len(_BARS) - 1) / (most - least) if most > least else 0.0
    return "".join(" " if v is None else _BARS[round((v - least) * scale)] for v in columns)
