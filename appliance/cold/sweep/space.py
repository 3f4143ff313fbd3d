"""The parameters of a search: a grid of all combinations, or some of them at random.

::

    half_ticks=1,2,5        these
    half_ticks=1:9:2        1, 3, 5, 7, 9
    half_ticks=1:9          any between, for a random search; whole numbers if both are
"""

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from appliance.cold.errors import ApplianceError

COMBINATIONS_MAX: Final = 100_000

Params = Mapping[str, str]  # texts, as the command line has them


def combinations(varied: Sequence[str], random_n: int | None, seed: int) -> list[Params]:
    """In an order that depends on nothing else. ApplianceError: a text that says nothing."""
    spans = [_parsed(text) for text in varied]
    names = [name for name, _, _ in spans]
    if len(set(names)) < len(names):
        raise ApplianceError("--vary: a parameter stands there twice")
    if random_n is None:
        return _grid(spans)
    return _some(spans, random_n, seed)


def _grid(
    spans: Sequence[tuple[str, list[str], Callable[[random.Random], str] | None]],
) -> list[Params]:
    for name, values, _ in spans:
        if not values:
            raise ApplianceError(f"--vary {name}: a span without a step is for --random N")
    count = 1
    for _, values, _ in spans:
        count *= len(values)
    if count > COMBINATIONS_MAX:
        raise ApplianceError(f"--vary: {count:,} combinations; {COMBINATIONS_MAX:,} are possible")
    names = [name for name, _, _ in spans]
    return [
        dict(zip(names, chosen, strict=True))
        for chosen in itertools.product(*(values for _, values, _ in spans))
    ]


def _some(
    spans: Sequence[tuple[str, list[str], Callable[[random.Random], str] | None]],
    count: int,
    seed: int,
) -> list[Params]:
    """Different ones; fewer, where there are no more."""
    chance = random.Random(seed)
    found: dict[tuple[str, ...], None] = {}
    for _ in range(20 * count):
        chosen = tuple(
            draw(chance) if draw is not None else chance.choice(values) for _, values, draw in spans
        )
        found[chosen] = None
        if len(found) == count:
            break
    names = [name for name, _, _ in spans]
    return [dict(zip(names, chosen, strict=True)) for chosen in found]


def _parsed(text: str) -> tuple[str, list[str], Callable[[random.Random], str] | None]:
    """Name, the values where they can be counted, and how to draw one where they cannot."""
    name, equals, values = text.partition("=")
    name, parts = name.strip(), [part.strip() for part in values.split(":")]
    if not name or not equals or not values.strip():
        raise ApplianceError(f"--vary {text}: give NAME=VALUES, as half_ticks=1,2,5 or =1:9:2")
    if len(parts) == 1:
        listed = [one.strip() for one in values.split(",")]
        for one in listed:
            _number(one, text)
        return name, list(dict.fromkeys(listed)), None
    if len(parts) > 3:
        raise ApplianceError(f"--vary {text}: a span is FIRST:LAST:STEP")
    first, last, *step = (_number(part, text) for part in parts)
    if first > last or (step and step[0] <= 0):
        raise ApplianceError(f"--vary {text}: it does not rise")
    if step:
        count = int((last - first) / step[0]) + 1
        if count > COMBINATIONS_MAX:
            raise ApplianceError(f"--vary {text}: {count:,} values")
        return name, [_text(first + n * step[0]) for n in range(count)], None
    if first == first.to_integral() and last == last.to_integral():
        return name, [], lambda chance: str(chance.randint(int(first), int(last)))
    return name, [], lambda chance: repr(chance.uniform(float(first), float(last)))


def _number(part: str, text: str) -> Decimal:
    try:
        value = Decimal(part)
    except InvalidOperation:
        raise ApplianceError(f"--vary {text}: {part!r} is not a number") from None
    if not value.is_finite():
        raise ApplianceError(f"--vary {text}: {part!r} is not a number")
    return value


def _text(value: Decimal) -> str:
    shown = f"{value:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
