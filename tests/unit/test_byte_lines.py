"""Files as lines: gzip whole, cut and damaged, long lines, block ends."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.cold import byte_lines
from appliance.cold.errors import ApplianceError
from appliance.cold.recording import (
    Broken,
    Line,
    ReadReport,
    encode_line,
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


@pytest.mark.parametrize("name", ["plain.gz", "packed.txt"])
def test_gzip_is_known_by_its_magic(tmp_path: Path, name: str) -> None:
    data = lines_of(NS, NS + 1)
    packed = gzip.compress(data) if name == "packed.txt" else data
    assert len(reading(stored(tmp_path, packed, name))[0]) == 2


def test_gzip_of_several_members_and_zeros(tmp_path: Path) -> None:
    data = gzip.compress(lines_of(NS)) + gzip.compress(lines_of(NS + 1)) + bytes(512)
    lines, report = reading(stored(tmp_path, data))
    assert [line.receive_ns for line in lines] == [NS, NS + 1]
    assert not report.truncated


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.booleans())
def test_gzip_cut_or_damaged_gives_a_true_prefix(
    tmp_path_factory: pytest.TempPathFactory, place: int, cut: bool
) -> None:
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, 2**60, 3000).tolist()
    data = b"".join(b"%d {%d}\n" % (NS + i, n) for i, n in enumerate(numbers))
    packed = bytearray(gzip.compress(data, mtime=0))
    place %= len(packed)
    if cut:
        packed = packed[:place]
    else:
        packed[place] ^= 0x55
    path = stored(tmp_path_factory.mktemp("cut"), bytes(packed))
    report = ReadReport()
    got: list[Line] = []
    try:
        got.extend(read(path, report=report))
    except ApplianceError:
        assert place < 2000 or not cut  # before anything could come out
        return
    if cut:
        assert report.truncated or place >= len(packed)
        assert [line.frame for line in got] == [b"{%d}" % n for n in numbers[: len(got)]]
        inflated = byte_lines.zlib.decompressobj(31).decompress(bytes(packed))
        assert len(got) == inflated.count(b"\n")


def test_plain_file_cut_in_its_last_line(tmp_path: Path) -> None:
    lines, report = reading(stored(tmp_path, lines_of(NS) + b'%d {"e":"dep' % (NS + 1)))
    assert len(lines) == 1
    assert report.truncated
    assert report.broken[Broken.CUT] == 1
    lines, report = reading(stored(tmp_path, lines_of(NS, NS + 1).rstrip()))
    assert len(lines) == 2
    assert not report.truncated


def test_very_long_line_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_lines, "BLOCK_BYTES", 1 << 16)
    long = b"%d {%s}\n" % (NS + 1, b"x" * byte_lines.LINE_BYTES_MAX)
    for data in (lines_of(NS) + long + lines_of(NS + 2), long + lines_of(NS, NS + 2)):
        for packed in (data, gzip.compress(data, 1)):
            lines, report = reading(stored(tmp_path, packed))
            assert [line.receive_ns for line in lines] == [NS, NS + 2]
            assert dict(report.broken) == {Broken.TOO_LONG: 1}
            assert report.lines == 3


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 700), st.booleans())
def test_blocks_cut_lines_anywhere(
    tmp_path_factory: pytest.TempPathFactory, block_bytes: int, packed: bool
) -> None:
    data = b"".join(b"%d {%s}\n" % (NS + i, b"y" * (i * 7 % 90)) for i in range(60))
    path = stored(tmp_path_factory.mktemp("b"), gzip.compress(data) if packed else data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_lines, "BLOCK_BYTES", block_bytes)
        lines = list(read(path))
    assert b"".join(map(encode_line, lines)) == data


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    for path, says in (
        (tmp_path, "is a directory"),
        (tmp_path / "nowhere", "does not exist"),
        (tmp_path / "nul\0", "cannot be read"),
    ):
        with pytest.raises(ApplianceError, match=says):
            read(path)  # at once, not at the first line
