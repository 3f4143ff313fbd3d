"""Real recordings: every figure is a fact of the data, or counted here by other means."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Appliance

HISTORY = "hftbacktest/history"
SPOT_2024 = "hftbacktest/examples/spot/btcusdt_20240808.gz"
USDM_2024 = "hftbacktest/examples/usdm/btcusdt_20240808.gz"
USDM_0404 = f"{HISTORY}/usdm/btcusdt_20230404.dat.gz"
USDM_0405 = f"{HISTORY}/usdm/btcusdt_20230405.dat.gz"
SPOT_0405 = f"{HISTORY}/spot/btcusdt_20230405.dat.gz"
SAMPLES = "cryptofeed/sample_data"


@pytest.mark.parametrize(
    ("names", "lines", "compared"),
    [
        ([SPOT_2024], 41_249, 564),
        ([USDM_2024], 93_954, 629),
        ([USDM_0404], 13_384, 310),
        ([USDM_0404, USDM_0405], 73_765, 1_565),
    ],
)
def test_every_equal_id_has_an_equal_touch(
    appliance: Appliance, shared_data: Path, names: list[str], lines: int, compared: int
) -> None:
    report = appliance.replay("--verify-book", *(shared_data / name for name in names))
    book = report["book"]["BTCUSDT"]
    assert (book["compared"], book["mismatched"], book["crossed"]) == (compared, 0, 0)
    assert book["state"] == "live" and book["live_fraction"] > 0.9
    assert report["frames"] == lines
    assert report["gaps"] == report["quarantined"] == 0
    assert set(report["purity"].values()) == {0}
    assert report["orders"] > 0


@pytest.mark.parametrize("name", [SPOT_0405, USDM_0405])
def test_no_snapshot_no_orders(appliance: Appliance, shared_data: Path, name: str) -> None:
    report = appliance.replay(shared_data / name)
    assert report["book"]["BTCUSDT"]["live_fraction"] == 0
    assert report["book"]["BTCUSDT"]["compared"] == report["orders"] == report["fills"] == 0


Side = dict[str, str]


def equal_ids(folder: Path, name: str, *, spot: bool) -> dict[str, int]:
    """BookTickers by symbol whose id is that of an applied difference; their touch is checked."""
    touches: dict[tuple[str, int], list[str]] = {}
    differences: dict[str, list[dict[str, Any]]] = {}
    for line in (folder / f"{name}.ws.1.0").read_text().splitlines()[1:]:
        event = json.loads(line.split(": ", 1)[1])["data"] if line else {}
        if event.get("e") == "depthUpdate":
            differences.setdefault(event["s"], []).append(event)
        elif event.get("e", "bookTicker") == "bookTicker" and "u" in event:
            touches[event["s"], event["u"]] = [event[key] for key in "bBaA"]
    found = {}
    for line in filter(None, (folder / f"{name}.http.0.0").read_text().splitlines()):
        symbol = line.split("symbol=", 1)[1].split("&", 1)[0]
        snapshot = json.loads(line.split(" -> ", 1)[1].split(": ", 1)[1])
        bids, asks = dict(snapshot["bids"]), dict(snapshot["asks"])
        found[symbol] = 0
        for event in differences[symbol]:
            last = snapshot["lastUpdateId"]
            if event["u"] < last or (spot and event["u"] == last):
                continue
            apply(bids, event["b"])
            apply(asks, event["a"])
            touch = touches.get((symbol, event["u"]))
            if touch is not None:
                bid, ask = max(bids, key=float), min(asks, key=float)
                ours = [bid, bids[bid], ask, asks[ask]]
                assert list(map(float, ours)) == list(map(float, touch))
                found[symbol] += 1
    return found


def apply(side: Side, levels: list[list[str]]) -> None:
    for price, quantity in levels:
        if float(quantity):
            side[price] = quantity
        else:
            side.pop(price, None)


@pytest.mark.parametrize("with_info", [False, True], ids=["learnt", "exchange-info"])
@pytest.mark.parametrize("name", ["BINANCE", "BINANCE_FUTURES"])
def test_snapshots_from_elsewhere(
    appliance: Appliance, shared_data: Path, name: str, with_info: bool
) -> None:
    folder = shared_data / SAMPLES
    files = [folder / f"{name}.ws.1.0", "--snapshot", folder / f"{name}.http.0.0"]
    more = ["--exchange-info", folder / f"{name}.0"] if with_info else []
    report = appliance.replay(*files, *more, "--verify-book")
    wanted = equal_ids(folder, name, spot=name == "BINANCE")
    assert {symbol: book["compared"] for symbol, book in report["book"].items()} == wanted
    assert sum(wanted.values()) > 0
    for book in report["book"].values():
        assert (book["mismatched"], book["crossed"], book["gaps"]) == (0, 0, 0)
        assert (book["state"], book["reason"]) in (("live", "none"), ("stale", "silent"))
    assert report["quarantined"] == 0
    learnt = [note for note in report["notes"] if note.startswith("grid learnt")]
    assert len(learnt) == (0 if with_info else len(wanted))


def test_rules_of_the_other_market(appliance: Appliance, shared_data: Path) -> None:
    folder = shared_data / SAMPLES
    info = folder / "BINANCE_FUTURES.0"
    done = appliance("replay", folder / "BINANCE.ws.1.0", "--exchange-info", info)
    done.refused("spot", "USD-M")


def test_a_snapshot_of_another_symbol(appliance: Appliance, shared_data: Path) -> None:
    folder = shared_data / SAMPLES
    snapshot = f"BTCUSDT={folder / 'BINANCE.http.0.0'}"
    done = appliance("replay", folder / "BINANCE.ws.1.0", "--snapshot", snapshot)
    done.refused("BINANCE.http.0.0", "not of BTCUSDT")
