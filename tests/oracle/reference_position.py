"""Two positions to hold the compiled one against.

``ReferencePosition`` follows the same rule (the fraction that a reduction cannot take out stays in
the cost) in numbers that cannot overflow. ``AveragePosition`` knows no rounding at all: average
cost in fractions, which the integers may differ from by less than one tick-lot a reduction.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import floor


@dataclass
class ReferencePosition:
    position: int = 0
    cost: int = 0
    realised: int = 0
    fills: list[tuple[int, int, int]] = field(default_factory=list)  # side, price, lots

    def fill(self, side: int, price: int, lots: int) -> None:
        self.fills.append((side, price, lots))
        closing = min(lots, max(0, -side * self.position))
        if closing:
            held = abs(self.position)
            removed = floor(Fraction(abs(self.cost)) * closing / held)
            sign = -side
            self.realised += sign * closing * price - sign * removed
            self.cost -= sign * removed
            self.position += side * closing
        self.cost += side * (lots - closing) * price
        self.position += side * (lots - closing)

    @property
    def cash(self) -> int:
        return -sum(side * price * lots for side, price, lots in self.fills)

    @property
    def turnover(self) -> int:
        return sum(price * lots for _, price, lots in self.fills)


@dataclass
class AveragePosition:
    position: int = 0
    average: Fraction = Fraction(0)
    realised: Fraction = Fraction(0)
    reductions: int = 0  # since the position was last flat

    def fill(self, side: int, price: int, lots: int) -> None:
        closing = min(lots, max(0, -side * self.position))
        if closing:
            self.realised += -side * closing * (price - self.average)
            self.position += side * closing
            self.reductions = 0 if self.position == 0 else self.reductions + 1
        opening = lots - closing
        if opening:
            held = abs(self.position)
            self.average = (self.average * held + price * opening) / (held + opening)
            self.position += side * opening
