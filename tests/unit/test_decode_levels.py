"""Level arrays in appliance.hot.decode: every shape, every bound, and no shape learnt from another.

Frames come in their envelope: there the array is read only once, by the code under test.

Under test: appliance.hot.decode.levels, appliance.hot.decode.level_template.
"""

import random

import pytest

from appliance.abi.limits import LEVEL_TEXT_MAX, LEVELS_PER_FRAME_MAX
from appliance.abi.market import Fault, Kind, Market
from appliance.cold.clerk import Clerk
from tests.conftest import JIT_DISABLED
from tests.strategies.hot_decoder import HOSTILE, Reading, agree, new_decoder, read

E8 = 10**8
ROWS = [
    ("BTCUSDT", Market.SPOT, 1_000_000, 1_000),
    ("COARSE", Market.USDM, 250_000_000, 1000 * E8),
    ("ODD", Market.SPOT, 30_000_000, 5_000_000),
    ("FINE", Market.SPOT, 1, 1),
]
CLERK = Clerk(ROWS)
WARM = new_decoder(ROWS)


def frame(bids: str, asks: str = "[]", symbol: str = "BTCUSDT") -> bytes:
    return (
        f'{{"stream":"{symbol.lower()}@depth","data":{{"e":"depthUpdate","E":1723161255000,'
        f'"s":"{symbol}","U":1,"u":2,"b":{bids},"a":{asks}}}}}'
    ).encode()


def both(data: bytes, behind: bytes = b"\0") -> Reading:
    """The same from a decoder that has read all this file's frames and from a new one."""
    warm = read(WARM, data, -1, behind)
    agree(warm, CLERK, data)
    again = read(WARM, data, -1, behind)
    assert again == warm == read(new_decoder(ROWS), data, -1, behind), data[:1000]
    return warm


def taken(data: bytes) -> Reading:
    reading = both(data)
    assert reading.kind is Kind.DEPTH, data[:1000]
    return reading


def learn(*shapes: str) -> None:
    """Have WARM read levels of these shapes: they are its templates from then on."""
    for shape in shapes:
        assert read(WARM, frame(f"[{shape},{shape}]")).kind is Kind.DEPTH


# --- shapes --------------------------------------------------------------------------------------


def test_levels_of_every_length() -> None:
    """From 9 to 70 bytes and beyond: short of, at and behind what a template covers."""
    lengths = set()
    for whole_n in (*range(1, 11), 13, 14, 18):
        for part_n in (0, 1, 2, 8, 12):
            price = "1" * whole_n + ("." + "50000000000"[:part_n].ljust(part_n, "0")) * (part_n > 0)
            for quantity in ("0", "7.25", "12345.00000000", "1" * 17, "3." + "0" * 18):
                level = f'["{price}","{quantity}"]'
                lengths.add(len(level))
                reading = both(frame(f"[{level}]", f"[{level},{level}]"))
                verdict = CLERK.decide(frame(f"[{level}]"))
                if verdict.fault is Fault.NONE and whole_n <= 13 and len(quantity) < 17:
                    assert reading.kind is Kind.DEPTH, level
    assert lengths >= set(range(9, 50)) and max(lengths) < LEVEL_TEXT_MAX


@pytest.mark.parametrize("length", range(9, 72))
def test_a_template_of_each_length_is_never_misread(length: int) -> None:
    """Leading zeros make a level of any length; then a digit is changed, or the point moved."""
    zeros = "0" * (length - len('["1.25","3.5"]')) if length >= 14 else ""
    level = f'["{zeros}1.25","3.5"]' if length >= 14 else '["1","' + "5" * (length - 8) + '"]'
    assert len(level) == length
    others = [level.replace("1.25", "9.75"), level.replace("1.25", "12.5"), level]
    others += [level.replace("1.25", "1.2."), level.replace("1.25", "125."), level]
    others += [level.replace("3.5", "3,5"), level.replace('"]', "0]"), level.replace('","', '0,"')]
    both(frame(f"[{level},{level}]"))
    for other in others:
        both(frame(f"[{level},{other}]"))
        both(frame(f"[{other},{level},{other}]"))


def test_mixed_shapes_in_one_array() -> None:
    rng = random.Random(1)
    shapes = ["61837.63000000", "61837.63", "9.1", "10", "0.01", "100000.5", "007.70", "12.3"]
    for _ in range(20 if JIT_DISABLED else 150):
        levels = ",".join(f'["{rng.choice(shapes)}","{rng.choice(shapes)}"]' for _ in range(12))
        reading = taken(frame(f"[{levels}]", f"[{levels}]"))
        assert len(reading.bids) == 12 and reading.bids == reading.asks


@pytest.mark.parametrize("symbol", [row[0] for row in ROWS])
def test_grids(symbol: str) -> None:
    """One text, four grids: taken where it is on the grid, and its template is the symbol's own."""
    for price, quantity in (("7.5", "3000"), ("0.3", "0.05"), ("15", "1000.0"), ("0.01", "0")):
        data = frame(f'[["{price}","{quantity}"],["{price}","{quantity}"]]', "[]", symbol)
        for _ in range(2):
            reading = both(data)
            sound = CLERK.decide(data).fault is Fault.NONE
            assert (reading.kind is Kind.DEPTH) == sound, (price, quantity)


def test_finer_than_the_grid() -> None:
    learn('["61837.63000000","3.78826000"]', '["61837.63","3.78826"]')
    for price in ("61837.63100000", "61837.63000001", "61837.635", "61837.6300001"):
        assert both(frame(f'[["{price}","3.78826000"]]')).kind is Kind.UNDECIDED
    for quantity in ("3.78826001", "3.78826100", "3.788261"):
        assert both(frame(f'[["61837.63000000","{quantity}"]]')).kind is Kind.UNDECIDED
    assert taken(frame('[["61837.63000000","3.78826000"]]')).bids == [(6_183_763, 378_826)]


def test_prices_and_quantities_of_zero() -> None:
    learn('["0.10","0.00001"]', '["1","1"]')
    assert both(frame('[["0.00","0.00001"]]')).kind is Kind.UNDECIDED
    assert both(frame('[["0.10","0.00001"],["0.00","0.00001"]]')).kind is Kind.UNDECIDED
    assert both(frame('[["0","1"]]')).kind is Kind.UNDECIDED
    assert taken(frame('[["0.10","0.00000"],["1","0"]]')).bids == [(10, 0), (100, 0)]


@pytest.mark.parametrize("level", ['["1.00","-2.00"]', '["-1.00","2.00"]', '["1.00","+2.0"]'])
def test_negative_amounts(level: str) -> None:
    learn('["1.00","12.00"]', '["11.00","2.00"]', '["1.00","12.0"]')
    assert both(frame(f"[{level}]")).kind is Kind.UNDECIDED
    assert both(frame(f'[["1.00","12.00"],{level},["1.00","12.00"]]')).kind is Kind.UNDECIDED


# --- white space and structure -------------------------------------------------------------------

SHAPE = '["61837.63000000","3.78826000"]'


@pytest.mark.parametrize("space", [" ", "\n", "\t\r\n ", " " * 70])
def test_spaces_in_every_place(space: str) -> None:
    tokens = ["[", "[", '"61837.63000000"', ",", '"3.78826000"', "]", ",", *_tokens(SHAPE), "]"]
    learn(SHAPE)
    for place in range(len(tokens) + 1):
        text = "".join(tokens[:place]) + space + "".join(tokens[place:])
        reading = taken(frame(text, text))
        assert reading.bids == reading.asks == [(6_183_763, 378_826)] * 2
    text = space.join(["", *tokens, ""])
    assert len(taken(frame(text, text)).bids) == 2


def _tokens(level: str) -> list[str]:
    price, _, quantity = level[1:-1].partition(",")
    return ["[", price, ",", quantity, "]"]


@pytest.mark.parametrize("side", ["[]", "[ ]", "[\n]", " [] "])
def test_empty_sides(side: str) -> None:
    reading = taken(frame(side, side))
    assert (reading.bids, reading.asks) == ([], [])
    assert taken(frame(f"[{SHAPE}]", side)).asks == []
    assert taken(frame(side, f"[{SHAPE}]")).asks == [(6_183_763, 378_826)]


@pytest.mark.parametrize(
    "side",
    [
        *["[L,]", "[,L]", "[L,,L]", "[LL]", "[L L]", "[L;L]", "[L,L,]", "[L, ]", "[L] ]", "[L}"],
        *["[[L]]", "[L,[]]", "[L,[L]]", "[L,{}]", "[L,1]", '[L,""]', "[L,null]", "L", "[L", "[L,L"],
        *["{}", "null", "1", '""', "[1]", '["1","2"]', "[[]]", '[["1.00"]]', '[["1.00",]]', "[,]"],
        *[
            '[["1.00","1","1"]]',
            '[["1.00",1]]',
            '[[1.00,"1"]]',
            '[["1.00" "1"]]',
            '[["1.00","1",]]',
        ],
        *['[["1.00","1"}]', '[{"1.00","1"]]', "[L,L}", "]L[", "[L]]", "[[L,L]", "[L,L],", "[L:L]"],
    ],
)
def test_what_is_no_array_of_levels(side: str) -> None:
    """Also when the level itself is known well, on either side, last or not."""
    text = side.replace("L", SHAPE)
    learn(SHAPE)
    for data in (frame(text), frame("[]", text), frame(text, f"[{SHAPE}]"), frame(text, text)):
        for behind in (b"\0", b"]", b']]}}"', b"," + SHAPE.encode() + b"]}}"):
            assert both(data, behind).kind is Kind.UNDECIDED


def test_the_missing_comma_between_known_shapes() -> None:
    other = SHAPE.replace("63000000", "6300000")
    learn(SHAPE, other)
    for one in (SHAPE, other):
        for two in (SHAPE, other, '["1","1"]'):
            assert both(frame(f"[{one}{two}]")).kind is Kind.UNDECIDED
            assert both(frame(f"[{SHAPE},{one}{two},{SHAPE}]")).kind is Kind.UNDECIDED
            assert len(taken(frame(f"[{one},{two}]")).bids) == 2


def test_every_byte_of_a_known_level_changed() -> None:
    learn(SHAPE)
    data = frame(f"[{SHAPE},{SHAPE}]")
    start = data.index(b"[[") + 1
    some = b'019."[],: \\\x00\x7f\x80\xffe-' if not JIT_DISABLED else b'9."],\xff'
    for place in range(start, start + 2 * len(SHAPE) + 2):
        for c in some:
            changed = data[:place] + bytes([c]) + data[place + 1 :]
            reading = read(WARM, changed)
            agree(reading, CLERK, changed)
            assert reading == read(new_decoder(ROWS), changed) or JIT_DISABLED, changed
            learn(SHAPE)


def test_brackets_in_other_places_are_not_levels() -> None:
    side = f"[{SHAPE},{SHAPE}]"
    for junk in (
        '"x]]]"',
        '"[["',
        '[["1","2"],[]]',
        '{"b":[["1","2"]]}',
        '"\\"]"',
        f'"{"]" * 200}"',
    ):
        event = frame(side, side).decode()
        for key in ('"s":', '"b":', '"a":'):
            data = event.replace(key, f'"x":{junk},{key}').encode()
            reading = taken(data)
            assert reading.bids == reading.asks == [(6_183_763, 378_826)] * 2
        data = event.replace("}}", f',"zz":{junk}}}}}').encode()
        assert len(taken(data).asks) == 2


# --- numbers of levels ---------------------------------------------------------------------------

MOST = 100 if JIT_DISABLED else LEVELS_PER_FRAME_MAX


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 20, 1000, MOST])
@pytest.mark.parametrize("spaced", [False, True])
def test_numbers_of_levels(count: int, spaced: bool) -> None:
    count = min(count, MOST)
    between = " , " if spaced else ","
    bids = between.join(f'["{1 + k % 97}.{k % 100:02}","{k % 7}"]' for k in range(count))
    asks = between.join(f'["{1 + k % 83}.00","{k}"]' for k in range(count // 2))
    reading = taken(frame(f"[{bids}]", f"[{asks}]"))
    assert (len(reading.bids), len(reading.asks)) == (count, count // 2)
    assert [lots for _, lots in reading.asks] == [k * 100_000 for k in range(count // 2)]


@pytest.mark.compiled
@pytest.mark.parametrize("more", [1, 2, 1000, 10_000 - LEVELS_PER_FRAME_MAX])
@pytest.mark.parametrize("known", [False, True])
def test_too_many_levels(more: int, known: bool) -> None:
    learn('["1.00","2"]')
    side = "[" + ",".join(['["1.00","2"]' if known else '["1.00", "2"]'] * (8192 + more)) + "]"
    for data in (frame(side), frame("[]", side)):
        assert both(data).kind is Kind.UNDECIDED
    whole = "[" + ",".join(['["1.00","2"]'] * 8192) + "]"
    reading = taken(frame(whole, whole))
    assert (len(reading.bids), len(reading.asks)) == (8192, 8192)


def test_more_closing_brackets_than_any_book_has() -> None:
    data = frame("[]").replace(b'"s":', b'"x":"' + b"]" * 20_000 + b'","s":')
    assert both(data).kind is Kind.UNDECIDED


# --- the end of the frame ------------------------------------------------------------------------


@pytest.mark.parametrize("behind", HOSTILE)
def test_the_last_level_ends_the_frame(behind: bytes) -> None:
    """Levels last in the event, cut anywhere: nothing behind the cut is read."""
    learn(SHAPE)
    data = frame(f"[{SHAPE}]", f"[{SHAPE},{SHAPE}]")
    assert read(WARM, data, -1, behind).kind is Kind.DEPTH
    for cut in range(len(data) - 2 * len(SHAPE) - 5, len(data)):
        assert read(WARM, data[:cut], -1, behind).kind is Kind.UNDECIDED
        assert read(WARM, data[:cut], -1, data[cut:] + behind).kind is Kind.UNDECIDED
