"""What the command line says of a backtest's input."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.abi.market import Market

Progress = Callable[[int, int], None]  # done, of how many: 0, nobody knows


@dataclass(frozen=True)
class Wanted:
    files: tuple[Path, ...]
    symbols: tuple[str, ...] = ()  # none: all
    snapshots: tuple[str, ...] = ()
    exchange_info: str | None = None
    market: Market = Market.USDM  # of files that do not say

    @property
    def paths(self) -> list[Path]:
        """Every file that something is read from."""
        more = [Path(text.partition("=")[2] or text) for text in self.snapshots]
        info = [Path(self.exchange_info)] if self.exchange_info else []
        return [*self.files, *more, *info]
