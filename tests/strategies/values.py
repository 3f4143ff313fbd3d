"""Names, numbers and arbitrary JSON values for frames: tame ones, as a venue sends, and wild ones.

Tame is what a decoder may be expected to take at once; wild is everything that the rules allow.
"""

from typing import NamedTuple

from hypothesis import strategies as st

from appliance.abi.market import Market
from appliance.abi.units import E8
from tests.strategies.spelling import Members

INSTRUMENTS = [
    ("BTCUSDT", Market.SPOT, 1_000_000, 1_000),
    ("BTCUSDC", Market.USDM, 10_000_000, 100_000),
    ("这是测试币456", Market.SPOT, 10_000, E8),
    ("1000SATS", Market.SPOT, 1, E8),
    ("NIKKEI", Market.USDM, 5_000_000, E8),
    ("WHOLE", Market.USDM, E8, 10 * E8),
    ("ÄÖÜUSDT", Market.USDM, 250, 1),
    ("A" * 32, Market.SPOT, 1_000, 1_000),
]
STRANGERS = ["ETHUSDT", "BTCUSD", "BTCUSDTT", "这是测试币457", "btcusd_perp", "", "B" * 33, "x\0y"]
EVENT_KEYS = ["e", "E", "T", "s", "U", "u", "pu", "b", "a", "B", "A", "t", "p", "q", "m", "X"]
EVENT_KEYS += ["st", "lastUpdateId", "bids", "asks"]
OTHER_EVENTS = ["kline", "markPriceUpdate", "24hrTicker", "depthUpdat", "Trade", "", "trade\0"]
DIFF_TOPICS = ["depth", "depth@100ms", "depth@500ms", "depth@0ms"]
PARTIAL_TOPICS = ["depth5", "depth10", "depth20", "depth5@100ms", "depth10@500ms", "depth20@1"]
OTHER_TOPICS = [
    "rpiDepth@500ms",
    "depth50",
    "depth1",
    "depth200",
    "depthX",
    "Depth",
    "kline_1m",
    "",
]

Row = tuple[str, Market, int, int]  # of INSTRUMENTS

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(TEXTS, inner), max_size=3).map(Members)
    ),
    max_leaves=6,
)
TAME_THINGS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**15), 10**15),
    st.integers(-99, 99).map(lambda n: n / 4),
    st.text("abcXYZ 019.-这", max_size=8),
    st.just([["1.5", "2"], []]),
    st.just(Members([("e", "x"), ("t", 1), ("k", Members([("b", [1, None])]))])),
)
USUAL_KEYS = ["ps", "nq", "M", "f", "l", "ap", "EE", "", "ee", "bid", "streams", "st "]
KEYS = st.one_of(
    st.sampled_from(USUAL_KEYS),
    TEXTS.filter(lambda key: key not in {*EVENT_KEYS, "stream", "data"}),
)


class Range(NamedTuple):
    """Where the numbers and the members without meaning of one message are drawn from."""

    ids: st.SearchStrategy[int]
    stamps: st.SearchStrategy[int]
    units_n: st.SearchStrategy[int]  # of a grid
    members: st.SearchStrategy[list[tuple[str, object]]]


_MS, _US, _NS = (st.integers(10**n, 2 * 10**n) for n in (12, 15, 18))
TAME = Range(
    st.integers(0, 10**13),
    st.one_of(_MS, _US),
    st.one_of(st.integers(0, 10**5), st.integers(0, 10**9)),
    st.lists(st.tuples(st.sampled_from(USUAL_KEYS), TAME_THINGS), max_size=3),
)
WILD = Range(
    st.one_of(TAME.ids, st.integers(0, 2**63 - 1), st.sampled_from([0, 10**18, 2**63 - 1])),
    st.one_of(
        _MS,
        _NS,
        st.sampled_from([0, 9 * 10**12 - 1, 9 * 10**12, 9 * 10**15 - 1, 9 * 10**15, 2**63 - 1]),
    ),
    st.one_of(TAME.units_n, st.integers(0, 2**44), st.integers(2**62 - 3, 2**62)),
    st.lists(st.tuples(KEYS, ANYTHING), max_size=3),
)
RANGES = st.sampled_from([TAME, TAME, TAME, WILD])


@st.composite
def decimals(draw: st.DrawFn, grid_e8: int, numbers: Range, least: int = 0) -> str:
    """A multiple of the grid, of at least ``least`` units, in one of its spellings."""
    units = max(draw(numbers.units_n), least)
    whole, part = divmod(units * grid_e8, E8)
    digits = f"{part:08d}".rstrip("0")
    if numbers is TAME:
        zeros = ""
        digits += "0" * draw(st.sampled_from([0, 8 - len(digits)]))
    else:
        zeros = "0" * draw(st.sampled_from([0, 0, 1, 3]))
        digits += "0" * draw(st.sampled_from([0, 1, 8 - len(digits), 11]))
    return f"{zeros}{whole}.{digits}" if digits else f"{zeros}{whole}"


def levels(row: Row, numbers: Range) -> st.SearchStrategy[list[list[str]]]:
    level = st.tuples(decimals(row[2], numbers, 1), decimals(row[3], numbers)).map(list)
    return st.lists(level, max_size=6)
