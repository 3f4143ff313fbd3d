"""``appliance replay`` of as many symbols as there may be."""

from collections.abc import Callable
from pathlib import Path

from appliance.abi.limits import INSTRUMENTS_MAX
from tests.e2e.conftest import Appliance
from tests.e2e.test_replay import PURE


def test_as_many_symbols_as_there_may_be(
    appliance: Appliance, synthetic: Callable[..., Path]
) -> None:
    """64 books at once, each of them in agreement with the venue's own top."""
    symbols = [f"S{i:02d}USDT" for i in range(INSTRUMENTS_MAX)]
    path = synthetic("64.gz", 4.0, symbols=symbols, frames_per_s=4000)
    report = appliance.replay(path, "--verify-book")
    assert sorted(report["book"]) == symbols
    for symbol, book in report["book"].items():
        assert book["mismatched"] == book["crossed"] == 0, symbol
        assert book["live_fraction"] > 0.5, symbol
    assert sum(book["compared"] for book in report["book"].values()) > 500
    assert report["purity"] == PURE
