"""The rows of appliance.hot.learn; what is made of them: test_grid.py."""

import numpy as np
import pytest

from appliance.abi.limits import FRAME_PADDING_BYTES
from appliance.abi.market import Kind, Market
from appliance.hot.learn import (
    COLUMNS,
    ESCAPED,
    FIRST_PRICE,
    KIND,
    MARKET,
    PRICE_GRID,
    QUANTITY_GRID,
    STREAM_AT,
    STREAM_BYTES,
    SYMBOL_AT,
    SYMBOL_BYTES,
    learn_frames,
)

TICKER = b'{"stream":"x@bookTicker","data":{"u":1,"s":"X","b":"0.30","B":"4","a":"0.50","A":"6"}}'


def rows_of(*frames: bytes) -> np.ndarray:
    lengths = np.array([len(frame) for frame in frames], np.int64)
    data = np.frombuffer(bytearray(b"".join(frames) + bytes(FRAME_PADDING_BYTES)), np.uint8)
    rows = np.full((len(frames), COLUMNS), -7, np.int64)
    learn_frames(data, np.cumsum(lengths) - lengths, lengths, rows)
    return rows


def test_a_row_says_where_the_names_are_and_what_divides_the_numbers() -> None:
    for row, start in zip(rows_of(TICKER, TICKER), (0, len(TICKER)), strict=True):
        assert (row[KIND], row[MARKET], row[ESCAPED]) == (Kind.TICKER, Market.SPOT, 0)
        assert (row[PRICE_GRID], row[QUANTITY_GRID]) == (10_000_000, 200_000_000)
        assert row[FIRST_PRICE] == 30_000_000
        assert row[STREAM_AT] - start == TICKER.index(b"x@") and row[STREAM_BYTES] == 12
        assert row[SYMBOL_AT] - start == TICKER.index(b'X"') and row[SYMBOL_BYTES] == 1


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b'{"e":"depthUpdate","b":[],"a":[]}', Kind.DEPTH),
        (b'{"e":"trade","p":"1"}', Kind.TRADE),
        (b'{"e":"aggTrade","p":"1"}', Kind.AGG_TRADE),
        (b'{"e":"bookTicker"}', Kind.TICKER),
        (b'{"lastUpdateId":1,"bids":[],"asks":[]}', Kind.SNAPSHOT),
        (b'{"stream":"x","data":{"lastUpdateId":1,"bids":[],"asks":[]}}', Kind.PARTIAL),
        (b'{"e":"depthUpdatf"}', Kind.DEPTH),  # told by seven letters and the length
        (b'{"e":"depthUpdates"}', Kind.OTHER),
        (b'{"e":"trades"}', Kind.OTHER),
        (b'{"e":"trade","p":"1"', Kind.OTHER),
        (b'{"e":"trade","p":"x"}', Kind.OTHER),
        (b"{}", Kind.OTHER),
        (b"", Kind.OTHER),
    ],
)
def test_kinds(frame: bytes, kind: Kind) -> None:
    assert rows_of(frame)[0, KIND] == kind
    assert (rows_of(frame)[0, MARKET] == Market.UNKNOWN) == (kind == Kind.OTHER)


def test_escapes_in_names_are_told() -> None:
    assert rows_of(TICKER.replace(b'"X"', b'"\\u0058"'))[0, ESCAPED] == 1
    assert rows_of(TICKER.replace(b'"x@', b'"\\u0078@'))[0, ESCAPED] == 1


def test_a_cut_frame_is_not_read_past_its_end() -> None:
    """The next frame's bytes follow at once."""
    for cut in range(len(TICKER)):
        first, second = rows_of(TICKER[:cut], TICKER)
        assert first[KIND] == Kind.OTHER
        assert second[KIND] == Kind.TICKER
