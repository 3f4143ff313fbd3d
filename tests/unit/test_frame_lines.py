"""Reading recordings: forms of lines, broken lines, files that are no recording."""

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.cold.errors import ApplianceError
from appliance.cold.recording import (
    Broken,
    Line,
    ReadReport,
    read,
)

NS = 1_723_161_253_937_085_768
FRAME = b'{"stream":"btcusdt@bookTicker","data":{"u":1}}'
SNAPSHOT = b'{"lastUpdateId":7,"bids":[["1.0","2"]],"asks":[]}'


def stored(folder: Path, data: bytes, name: str = "r.txt") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def reading(path: Path) -> tuple[list[Line], ReadReport]:
    report = ReadReport()
    return list(read(path, report=report)), report


def lines_of(*stamps: int) -> bytes:
    return b"".join(b"%d {%d}\n" % (stamp, number) for number, stamp in enumerate(stamps))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"1723161253937085768 " + FRAME, Line(NS, FRAME)),
        (b"1680652700423575 " + FRAME, Line(1_680_652_700_423_575_000, FRAME)),
        (b"1680652700423 " + FRAME, Line(1_680_652_700_423_000_000, FRAME)),
        (b"1633998512.0633569: " + FRAME, Line(1_633_998_512_063_356_900, FRAME)),
        (b"1633998512: " + FRAME, Line(1_633_998_512_000_000_000, FRAME)),
        (b"1633998512.1234567899: " + FRAME, Line(1_633_998_512_123_456_789, FRAME)),
        (FRAME, Line(None, FRAME)),
        (SNAPSHOT, Line(None, SNAPSHOT, True)),
        (b"1723161253937085768 " + SNAPSHOT, Line(NS, SNAPSHOT, True)),
        (
            b"1680652700599351 " + SNAPSHOT.replace(b'{"', b'{ "'),
            Line(1_680_652_700_599_351_000, SNAPSHOT.replace(b'{"', b'{ "'), True),
        ),
        (
            b"https://h/api/v3/depth?symbol=NKNUSDT&limit=1000 -> 1633998512.320639: " + SNAPSHOT,
            Line(1_633_998_512_320_639_000, SNAPSHOT, True, "NKNUSDT"),
        ),
        (
            b"https://h/depth?symbol=%E5%B8%81 -> 1.5: " + SNAPSHOT,
            Line(1_500_000_000, SNAPSHOT, True, "币"),
        ),
        (b"1723161253937085768 not json at all", Line(NS, b"not json at all")),
    ],
)
def test_each_form_of_line(tmp_path: Path, text: bytes, wanted: Line) -> None:
    assert reading(stored(tmp_path, text + b"\n"))[0] == [wanted]
    crlf = stored(tmp_path, b"\r\n" + text + b"\r\n\r\n")
    assert reading(crlf)[0] == [wanted]


@settings(deadline=None, max_examples=200)
@given(st.integers(10**8, 10**10 - 1), st.text("0123456789", min_size=1, max_size=9))
def test_float_seconds_are_exact(whole: int, fraction: str) -> None:
    from appliance.cold.frame_lines import _seconds_ns

    text = f"{whole}.{fraction}"
    assert _seconds_ns(text.encode() + b":") == int(Decimal(text) * 10**9)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"rubbish", Broken.NO_STAMP),
        (b"yesterday " + FRAME, Broken.BAD_STAMP),
        (b"configuration: {}", Broken.BAD_STAMP),
        (b"1633998512.0x: " + FRAME, Broken.BAD_STAMP),
        (b"1633998512.5 " + FRAME, Broken.BAD_STAMP),
        (b"-1723161253937085 " + FRAME, Broken.BAD_STAMP),
        ("１７２３１６１２５３９３７ ".encode() + FRAME, Broken.BAD_STAMP),
        (b"17231612539 " + FRAME, Broken.BAD_STAMP),
        (b"17231612539370857681 " + FRAME, Broken.BAD_STAMP),
        (b"1723161253937085768", Broken.NO_FRAME),
        (b"1723161253937085768 ", Broken.NO_FRAME),
        (b"1723161253.5: ", Broken.NO_FRAME),
        (FRAME, Broken.NO_STAMP),
        (b"1723161253937085767 " + FRAME, Broken.BACKWARDS),
        (b"https://h/depth?symbol=X " + FRAME, Broken.NO_STAMP),
        (b"https://h/depth?symbol=X -> soon: " + FRAME, Broken.BAD_STAMP),
    ],
)
def test_broken_lines_are_counted_and_left_out(tmp_path: Path, text: bytes, kind: Broken) -> None:
    good = b"1723161253937085768 " + FRAME + b"\n"
    lines, report = reading(stored(tmp_path, good + text + b"\n" + good))
    assert lines == [Line(NS, FRAME)] * 2
    assert dict(report.broken) == {kind: 1}
    assert (report.lines, report.frames, report.truncated) == (3, 2, False)
    assert report.as_dict()["broken"] == {kind.name.lower(): 1}
    assert report.remarks() == [f"1 lines left out: {kind}"]


def test_headers_are_remembered_and_other_replies_ignored(tmp_path: Path) -> None:
    data = (
        b"wss://h/stream?streams=a@depth <-> 1633998511.159679\n"
        b"https://h/api/v3/exchangeInfo -> 1633998511.1: {}\n"
        b"1633998512.5: " + FRAME + b"\n\n"
    )
    lines, report = reading(stored(tmp_path, data))
    assert [line.frame for line in lines] == [FRAME]
    assert report.connections == ["wss://h/stream?streams=a@depth <-> 1633998511.159679"]
    assert report.ignored == 1
    assert not report.broken


HOUR = 3600 * 10**9


@pytest.mark.parametrize(
    ("stamps", "kept", "kinds"),
    [
        ((NS, NS, NS + 1), [0, 1, 2], {}),
        ((NS, NS + 5, NS + 3, NS + 9), [0, 1, 3], {Broken.BACKWARDS: 1}),
        ((NS, NS + 9 * HOUR, NS + 1), [0, 2], {Broken.LEAP: 1}),
        ((NS + 9 * HOUR, NS, NS + 1), [1, 2], {Broken.LEAP: 1}),
        ((NS, NS + 9 * HOUR, NS + 9 * HOUR + 1), [0, 1, 2], {}),
        ((NS, NS + 9 * HOUR, NS - 1, NS + 10 * HOUR), [0, 1, 3], {Broken.BACKWARDS: 1}),
        ((NS, NS + 9 * HOUR), [0, 1], {}),
        ((NS + 1, NS, NS + 2), [0, 2], {Broken.BACKWARDS: 1}),
    ],
)
def test_time_does_not_run_back(
    tmp_path: Path, stamps: tuple[int, ...], kept: list[int], kinds: dict[Broken, int]
) -> None:
    lines, report = reading(stored(tmp_path, lines_of(*stamps)))
    assert [line.frame for line in lines] == [b"{%d}" % number for number in kept]
    assert dict(report.broken) == kinds
    assert report.frames == len(kept)
    assert (report.first_ns, report.last_ns) == (stamps[kept[0]], stamps[kept[-1]])


def test_one_document_over_many_lines(tmp_path: Path) -> None:
    document = {"lastUpdateId": 7, "bids": [["1.0", "2"]], "asks": []}
    for text in (json.dumps(document, indent=2), json.dumps(document, indent=2) + "\n"):
        (line,), report = reading(stored(tmp_path, text.encode()))
        assert json.loads(line.frame) == document
        assert (line.receive_ns, line.is_rest, report.lines) == (None, True, 1)


def test_first_bare_line_broken_does_not_swallow_the_rest(tmp_path: Path) -> None:
    lines, _ = reading(stored(tmp_path, b'{"a":\n{"b":1}\n{"c":2}\n'))
    assert [line.frame for line in lines] == [b'{"a":', b'{"b":1}', b'{"c":2}']


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\x7fELF\0\0\1 rubbish", "is not text"),
        (gzip.compress(b"\0\1\2" * 100, mtime=0), "is not text"),
        (gzip.compress(b"", mtime=0), "holds no frame"),
        (gzip.compress(lines_of(NS), mtime=0)[:12], "holds no frame before its end"),
        (b"\x1f\x8b", "holds no frame before its end"),
        (b"\x28\xb5\x2f\xfd12345", "zstd-compressed"),
        (b"hello\nworld\n", "holds no frame"),
        (b"\n \n", "holds no frame"),
        (b"hello\n" * 20_000, "no frame in its first 10000 lines"),
        (bytes(range(1, 256)) * 50, "holds no frame"),
    ],
)
def test_files_that_are_no_recording(tmp_path: Path, data: bytes, says: str) -> None:
    path = stored(tmp_path, data)
    with pytest.raises(ApplianceError) as caught:
        list(read(path))
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.one_of(st.binary(max_size=60), st.just(b"%d {}" % NS)), max_size=12))
def test_arbitrary_bytes_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = stored(tmp_path_factory.mktemp("fuzz"), b"\n".join(pieces))
    report = ReadReport()
    try:
        got = len(list(read(path, report=report)))
    except ApplianceError:
        return
    assert got == report.frames
    headers = len(report.connections) + report.ignored
    assert report.lines == report.frames + sum(report.broken.values()) + headers
