"""The venue's market data has the shape of what was recorded: key by key, in order, in kind.

Keys that are newer than a recording are named as additions, with the date of binance-protocol 6.
"""

import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.venue.raw_client import RawClient
from tests.venue.running_venue import RunningVenue
from tests.venue.shape import Shape, shape_of, without

WANTED = 20  # messages of each stream
LINES = 20_000  # of a recording
NQ = ".data.nq"  # 2026-01
PS, ST = ".data.ps", ".data.st"  # 2026-06-29
SESSION = {
    "spot": "hftbacktest/examples/spot/btcusdt_20240808.gz",
    "usdm": "hftbacktest/examples/usdm/btcusdt_20240808.gz",
}
WIRE = "wire_2026/frames.jsonl"
PARSER = "crypto-msg-parser/binance_raw.jsonl"
PATHS = {"spot": "", "public": "/public", "market": "/market"}


def frames(data: Path, name: str, stream: str) -> Iterator[str]:
    """Recorded messages of a stream, in their envelopes; ``rest``: snapshots."""
    open_text = gzip.open if name.endswith(".gz") else open
    with open_text(data / name, "rt") as file:
        for line in itertools.islice(file, LINES):
            if not line.strip():
                continue
            text = line if line.startswith("{") else line.partition(" ")[2]
            form = json.loads(text)
            if name == WIRE:
                form = form["msg"]
                text = json.dumps(form)
            if form.get("stream", "rest") == stream:
                yield text


def sent(venue: RunningVenue, scope: str, stream: str, wanted: int = WANTED) -> list[str]:
    """What the venue sends on a stream, in its envelopes."""
    texts = []
    with RawClient(venue, f"{PATHS[scope]}/stream?streams={stream}") as client:
        while len(texts) < wanted:
            frame = client.frame()
            assert frame is not None
            if frame.opcode == 1:
                texts.append(bytes(frame.data).decode())
    return texts


def same(venues: Shape, recorded: Shape) -> None:
    assert list(venues) == list(recorded)  # the order of the keys, too
    assert venues == recorded


@pytest.mark.parametrize(
    ("scope", "stream", "name", "additions"),
    [
        ("spot", "btcusdt@depth@100ms", SESSION["spot"], ()),
        ("spot", "btcusdt@bookTicker", SESSION["spot"], ()),
        ("spot", "btcusdt@trade", SESSION["spot"], ()),
        ("public", "btcusdt@depth@0ms", SESSION["usdm"], (PS, ST)),
        ("public", "btcusdt@bookTicker", SESSION["usdm"], (PS, ST)),
        ("public", "btcusdt@trade", SESSION["usdm"], (ST,)),
        ("public", "btcusdt@trade", WIRE, ()),
        ("public", "btcusdt@depth5@100ms", WIRE, ()),
    ],
)
def test_streams(
    venue: RunningVenue,
    shared_data: Path,
    scope: str,
    stream: str,
    name: str,
    additions: tuple[str, ...],
) -> None:
    ours, recorded = sent(venue, scope, stream), frames(shared_data, name, stream)
    same(without(shape_of(ours), additions), shape_of(recorded))


@pytest.mark.parametrize(
    ("scope", "stream", "name", "recorded_stream", "additions"),
    [
        ("spot", "btcusdt@aggTrade", WIRE, "ethusdt@aggTrade", ()),
        ("market", "btcusdt@aggTrade", PARSER, "btcusdt@aggTrade", (NQ, ST)),
        ("spot", "btcusdt@depth20@100ms", PARSER, "ethusdt@depth20", ()),
        # partial books of the same connection and day as row 1: a difference has their form
        ("public", "btcusdt@depth@100ms", WIRE, "btcusdt@depth5@100ms", ()),
    ],
)
def test_streams_of_which_few_were_recorded(
    venue: RunningVenue,
    shared_data: Path,
    scope: str,
    stream: str,
    name: str,
    recorded_stream: str,
    additions: tuple[str, ...],
) -> None:
    """Files with both markets: USD-M's is told by where a key stands, or that it is there."""
    usdm = scope != "spot"
    found = [
        text
        for text in frames(shared_data, name, recorded_stream)
        if ('"M":' not in text and "lastUpdateId" not in text) is usdm
    ]
    ours = without(shape_of(sent(venue, scope, stream)), additions)
    same(ours, shape_of(found))


def test_usdm_writes_a_difference_as_in_2026(venue: RunningVenue, shared_data: Path) -> None:
    """Row 1 is of the testnet, whose BTCUSDT has another step: the keys are the same."""
    (recorded,) = frames(shared_data, WIRE, "btcusdt@depth@100ms")
    ours = sent(venue, "public", "btcusdt@depth@100ms")[0]
    assert list(json.loads(ours)["data"]) == list(json.loads(recorded)["data"])


@pytest.mark.parametrize(
    ("path", "market"), [("/api/v3/depth", "spot"), ("/fapi/v1/depth", "usdm")]
)
def test_snapshots(venue: RunningVenue, shared_data: Path, path: str, market: str) -> None:
    ours = json.dumps(venue.get(f"{path}?symbol=BTCUSDT&limit=1000"))
    same(shape_of([ours]), shape_of(frames(shared_data, SESSION[market], "rest")))


@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_levels_stand_in_the_recorded_order(
    venue: RunningVenue, shared_data: Path, market: str
) -> None:
    """Of a difference: spot best first, USD-M by rising price. Of a partial book: best first."""

    def orders(texts: Iterator[str] | list[str]) -> set[tuple[str, str]]:
        """(side, rising or falling) of every side with more than one level."""
        found = set()
        for text in texts:
            form = json.loads(text)["data"]
            for side in ("b", "a"):
                prices = [float(price) for price, _ in form[side]]
                if len(prices) > 1:
                    assert prices in (sorted(prices), sorted(prices, reverse=True))
                    found.add((side, "rising" if prices[0] < prices[1] else "falling"))
        return found

    scope = "spot" if market == "spot" else "public"
    stream = "btcusdt@depth@100ms" if market == "spot" else "btcusdt@depth@0ms"
    recorded = orders(frames(shared_data, SESSION[market], stream))
    # an action rarely touches two levels: a slower difference shows more of them
    assert orders(sent(venue, scope, "btcusdt@depth@100ms", 3 * WANTED)) == recorded
    if market == "usdm":
        partial = "btcusdt@depth5@100ms"
        assert orders(sent(venue, scope, partial)) == orders(frames(shared_data, WIRE, partial))


def test_a_list_that_is_empty_at_first_keeps_its_place() -> None:
    early, late = '{"b":[],"a":[["1.0","2.0"]]}', '{"b":[["1.0","2.0"]],"a":[]}'
    same(shape_of([early, late]), shape_of([late, early]))
