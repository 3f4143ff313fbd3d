"""The first pass over a recording, against frames written by hand and a reading by json."""

import json
from collections.abc import Sequence
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.limits import FRAME_PADDING_BYTES, INSTRUMENTS_MAX
from appliance.abi.market import Market
from appliance.cold import grid
from appliance.cold.errors import ApplianceError
from appliance.cold.grid import Learnt, chosen, learn
from appliance.cold.line import ReadReport
from appliance.cold.recording import Arena
from appliance.hot.jit import JIT_DISABLED

E8 = 10**8


def arena_of(frames: Sequence[bytes], hints: dict[int, str] | None = None) -> Arena:
    lengths = np.array([len(frame) for frame in frames], np.int64)
    symbols = sorted(set((hints or {}).values()))
    numbers = np.full(len(frames), -1, np.int64)
    for frame, symbol in (hints or {}).items():
        numbers[frame] = symbols.index(symbol)
    return Arena(
        data=np.frombuffer(bytearray(b"".join(frames) + bytes(FRAME_PADDING_BYTES)), np.uint8),
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        receive_ns=np.zeros(len(frames), np.int64),
        is_rest=np.zeros(len(frames), np.int64),
        hints=numbers,
        symbols=symbols,
        report=ReadReport(),
    )


def text(body: Any, stream: str | None = None) -> bytes:
    whole = body if stream is None else {"stream": stream, "data": body}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()


def ticker(symbol: str = "BTCUSDT", bid: str = "100.10", ask: str = "100.20", **more: Any) -> bytes:
    body = {"u": 1, "s": symbol, "b": bid, "B": "0.5", "a": ask, "A": "0.25"}
    return text(body | more, f"{symbol.lower()}@bookTicker")


def depth(symbol: str = "BTCUSDT", bids: Any = (), asks: Any = (), **more: Any) -> bytes:
    body = {"e": "depthUpdate", "E": 5, "s": symbol, "U": 1, "u": 2, "b": bids, "a": asks}
    return text(body | more, f"{symbol.lower()}@depth@100ms")


SNAPSHOT = text({"lastUpdateId": 9, "bids": [["7.25", "3"]], "asks": [["7.50", "4.5"]]})


def only(frames: Sequence[bytes], hints: dict[int, str] | None = None) -> Learnt:
    found = learn([arena_of(frames, hints)])
    assert len(found) == 1
    return found[0]


def test_one_ticker_says_all_of_spot() -> None:
    assert only([ticker()]) == Learnt(
        "BTCUSDT", Market.SPOT, E8 // 10, E8 // 4, 100 * E8 + E8 // 10, 1
    )


def test_levels_alternate_price_and_quantity() -> None:
    frame = depth(bids=[["10.02", "3"], ["10.00", "0.00000000"]], asks=[["10.06", "9"]])
    assert only([frame]) == Learnt("BTCUSDT", Market.SPOT, 2 * E8 // 100, 3 * E8, 1_002_000_000, 1)


@pytest.mark.parametrize(
    ("frame", "market"),
    [
        (depth(), Market.SPOT),
        (depth(pu=0), Market.USDM),
        (ticker(), Market.SPOT),
        (ticker(e="bookTicker"), Market.USDM),
        (text({"e": "trade", "s": "BTCUSDT", "p": "1", "q": "1", "X": "MARKET"}), Market.USDM),
        (text({"e": "trade", "s": "BTCUSDT", "p": "1", "q": "1", "M": True}), Market.SPOT),
        (text({"e": "aggTrade", "s": "BTCUSDT", "p": "1", "q": "1", "M": True}), Market.SPOT),
        (text({"e": "aggTrade", "s": "BTCUSDT", "p": "1", "q": "1"}), Market.USDM),
    ],
)
def test_the_market_follows_from_the_keys(frame: bytes, market: Market) -> None:
    assert only([frame]).market == market


def test_both_markets_of_one_symbol() -> None:
    with pytest.raises(ApplianceError, match=r"BTCUSDT.* is recorded on spot and on USD-M"):
        learn([arena_of([depth(), depth(pu=1)])])
    # A trade alone is no proof; two symbols may differ.
    trade = text({"e": "trade", "s": "BTCUSDT", "p": "1", "q": "1", "X": "MARKET"})
    assert only([depth(), trade]).market == Market.SPOT
    both = learn([arena_of([depth(), depth("ETHUSDT", pu=1)])])
    assert [one.market for one in both] == [Market.SPOT, Market.USDM]


def test_partial_depth_of_spot_has_its_symbol_from_the_stream() -> None:
    body = {"lastUpdateId": 1, "bids": [["0.02", "10"]], "asks": [["0.04", "30"]]}
    one = only([text(body, "nknusdt@depth20@100ms")])
    assert one == Learnt("NKNUSDT", Market.SPOT, 2_000_000, 10 * E8, 2_000_000, 1)
    assert [s.symbol for s in learn([arena_of([text(body, "币安usdt@depth5")])])] == ["币安USDT"]


def test_snapshots_belong_to_their_hint_or_to_the_only_symbol() -> None:
    one = only([ticker(), SNAPSHOT])
    assert (one.price_grid_e8, one.quantity_grid_e8, one.frames_n) == (5_000_000, E8 // 4, 2)
    named = learn([arena_of([ticker(), SNAPSHOT], {1: "ETHUSDT"})])
    assert named[0].price_grid_e8 == E8 // 10
    assert named[1] == Learnt("ETHUSDT", Market.SPOT, E8 // 4, E8 // 2 * 3, 725_000_000, 1)
    # Nobody knows whose it is: it says nothing.
    for one in learn([arena_of([ticker(), ticker("ETHUSDT"), SNAPSHOT])]):
        assert (one.price_grid_e8, one.frames_n) == (E8 // 10, 1)


def test_the_first_price_is_of_a_trade_or_touch_if_there_is_one() -> None:
    trade = text({"e": "aggTrade", "s": "BTCUSDT", "p": "9.5", "q": "1"})
    far = depth(bids=[["1", "1"]])
    assert only([far]).first_price_e8 == E8
    assert only([far, SNAPSHOT]).first_price_e8 == 725_000_000
    assert only([far, SNAPSHOT, trade]).first_price_e8 == 950_000_000
    empty_side = ticker(bid="0.00", ask="3.00")
    assert only([empty_side, trade]).first_price_e8 == 3 * E8


OTHERS = [
    text({"e": "kline", "s": "BTCUSDT", "k": {"o": "1.234567", "b": [["3.1", "1"]]}}),
    text({"e": "24hrTicker", "s": "BTCUSDT", "p": "0.00000001", "b": "1.2345", "B": "1.1"}),
    text({"e": "markPriceUpdate", "s": "BTCUSDT", "p": "1.23456789"}),
    text([{"e": "bookTicker", "s": "BTCUSDT", "b": "1.2345"}]),
    text([{"e": "bookTicker", "s": "BTCUSDT", "b": "1.2345"}], "!bookTicker"),
    text({"e": "depthUpdate", "s": "BTCUSDT", "b": [["1.2345", "1"]]}, "btcusdt@rpiDepth@500ms"),
    text({"e": "depthUpdate", "s": "BTCUSDT", "b": [["1.2345", "1"]], "st": 2}),
    text({"e": "depthUpdate", "b": [["1.2345", "1"]]}),
    text({"lastUpdateId": 1, "bids": [["1.2345", "1"]], "asks": []}, "btcusdt@other"),
    text({"u": 1, "s": "BTCUSDT", "b": "1.2345", "B": "1", "a": "2"}),
    ticker(bid="1.2345")[:-1],
    ticker(bid="1.2345")[:-40],
    ticker(bid="1.2345", ask="1e5"),
    ticker(bid="1.2345", ask="-1"),
    ticker(bid="1.2345", ask=""),
    ticker(bid="1.2345", ask=".5"),
    ticker(bid="1.2345", ask="1."),
    ticker(bid="1.2345", ask="1.2.3"),
    depth(bids=[["1.2345", "x"]]),
    b"",
    b"pong",
    b'"',
    b"]" * 5,
]


@pytest.mark.parametrize("other", OTHERS)
def test_frames_of_no_interest_say_nothing(other: bytes) -> None:
    assert learn([arena_of([ticker(), other])]) == [only([ticker()])]
    with pytest.raises(ApplianceError, match="no market data in the recording"):
        learn([arena_of([other])])


def test_family_one_is_ours() -> None:
    assert only([depth(bids=[["0.3", "1"]], st=1, pu=0)]).price_grid_e8 == 30_000_000
    with pytest.raises(ApplianceError, match="no market data"):
        learn([arena_of([depth(st=12, pu=0)])])


def test_decimals_that_no_grid_holds_are_left_out() -> None:
    for decimal in ("1.000000001", "92233720369", "9" * 40, "0.123456789"):
        assert only([ticker(bid=decimal, ask="2.5")]).price_grid_e8 == 250_000_000
    assert only([ticker(bid="1.5000000000", ask="92233720360")]).price_grid_e8 == E8 // 2


def test_nothing_but_zeros() -> None:
    one = only([depth(bids=[["0.0", "0"]])])
    assert (one.price_grid_e8, one.quantity_grid_e8, one.first_price_e8) == (0, 0, 0)


def test_escaped_names_spaces_and_any_order() -> None:
    escaped = ticker("币安USDT").decode().encode("ascii", "backslashreplace")
    assert b"\\u" in escaped
    assert only([escaped, ticker("币安USDT")]).frames_n == 2
    loose = json.dumps(
        {
            "data": {"a": [], "b": [["0.5", "2"]], "s": "BTCUSDT", "e": "depthUpdate"},
            "stream": "x@depth",
        },
        indent=2,
    ).encode()
    assert only([loose]) == Learnt("BTCUSDT", Market.SPOT, E8 // 2, 2 * E8, E8 // 2, 1)
    tricky = text({"x": 'a"b":[["0.00000001', "e": "trade", "s": "BTCUSDT", "p": "4", "q": "2"})
    assert only([tricky]).price_grid_e8 == 4 * E8


def test_too_many_symbols_name_the_way_out() -> None:
    frames = [ticker(f"S{n}USDT") for n in range(INSTRUMENTS_MAX + 1)]
    assert len(learn([arena_of(frames[:-1])])) == INSTRUMENTS_MAX
    with pytest.raises(ApplianceError, match=r"65 symbols, 64 are possible.*--symbols A,B"):
        learn([arena_of(frames)])
    two = learn([arena_of(frames)], ["S64USDT", "S3USDT"])
    assert [one.symbol for one in two] == ["S64USDT", "S3USDT"]


@pytest.mark.parametrize("symbol", ["A" * 33, "币" * 11, "A@B", "!A", "A\x07"])
def test_symbols_that_no_record_or_order_could_name(symbol: str) -> None:
    arena = arena_of([ticker(symbol), ticker()])
    with pytest.raises(ApplianceError, match="choose others with --symbols"):
        learn([arena])
    assert [one.symbol for one in learn([arena], ["BTCUSDT"])] == ["BTCUSDT"]


def test_choosing() -> None:
    assert chosen(["A", "B"], None) == ["A", "B"]
    assert chosen(["A", "B"], ["B", "A", "B"]) == ["B", "A"]
    with pytest.raises(ApplianceError, match=r"'C' is not in the recording; it has A, B$"):
        chosen(["A", "B"], ["A", "C"])
    with pytest.raises(ApplianceError, match="it has 0, 1, 2, 3, 4 and 3 more"):
        chosen([str(n) for n in range(8)], ["C"])


def test_pieces_and_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arenas and blocks are cut anywhere; the result is that of the whole."""
    frames = [ticker(bid=f"{n}.5", ask=f"{n}.75") for n in range(10)] + [depth(pu=1, bids=[])]
    frames[-1] = depth(bids=[["0.01", "1"]])
    whole = learn([arena_of(frames)])
    monkeypatch.setattr(grid, "FRAMES_AT_ONCE", 3)
    told: list[tuple[int, int]] = []
    pieces = learn(
        [arena_of(frames[:4]), arena_of(frames[4:])], progress=lambda *done: told.append(done)
    )
    assert pieces == whole
    assert told == sorted(told) and told[-1] == (sum(map(len, frames)), 0)


def as_e8(decimal: str) -> int | None:
    value = Fraction(decimal) * E8
    fits = value.denominator == 1 and value < 2**63 // 10 * 10
    return int(value) if fits else None


decimals = st.one_of(
    st.decimals(0, 10**6, places=2).map(str),
    st.decimals(0, 10**11, places=8, allow_nan=False).map(lambda d: f"{d:f}"),
    st.from_regex(r"\A[0-9]{1,12}(\.[0-9]{1,10})?\Z"),
)
levels = st.lists(st.tuples(decimals, decimals), max_size=6)


@settings(max_examples=30 if JIT_DISABLED else 150, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["AUSDT", "BUSDT", "CUSDT"]), levels, levels),
        min_size=1,
        max_size=8,
    )
)
def test_grids_are_the_greatest_common_divisors(rows: list[tuple[str, Any, Any]]) -> None:
    found = {one.symbol: one for one in learn([arena_of([depth(*row) for row in rows])])}
    for symbol in {row[0] for row in rows}:
        pairs = [pair for name, *sides in rows if name == symbol for side in sides for pair in side]
        prices = [v for p, _ in pairs if (v := as_e8(p)) is not None]
        quantities = [v for _, q in pairs if (v := as_e8(q)) is not None]
        assert found[symbol].price_grid_e8 == gcd(*prices)
        assert found[symbol].quantity_grid_e8 == gcd(*quantities)
        assert found[symbol].first_price_e8 == next((p for p in prices if p), 0)


@settings(max_examples=100 if JIT_DISABLED else 1500, deadline=None)
@given(st.data())
def test_any_damage_ends_in_a_result_or_one_line(data: st.DataObject) -> None:
    frame = bytearray(data.draw(st.sampled_from([ticker(), depth(bids=[["1", "2"]]), SNAPSHOT])))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(frame) - 1))
        frame[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not frame:
            break
    try:
        found = learn([arena_of([bytes(frame), ticker()])])
    except ApplianceError as error:
        text_of = str(error)
        assert "\n" not in text_of
    else:
        assert found[-1].frames_n > 0
