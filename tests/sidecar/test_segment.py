"""Segments of the spool (sidecar.segment): whole, cut at any byte, damaged at any byte."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar import segment
from sidecar.segment import HEADER_BYTES, Damage, Record, encode, read

LINES = [b"m a=1i 1\n", b"", b"m a=2i 2\nm b=3i 2\n", b"x" * 1000 + b"\n"]


def whole(folder: Path) -> bytes:
    path = folder / "a"
    fd = segment.create(path, "a", 5)
    os.write(fd, b"".join(encode(n, 10 * n, lines) for n, lines in enumerate(LINES)))
    os.close(fd)
    return path.read_bytes()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return whole(tmp_path_factory.mktemp("segment"))


def test_what_was_written_is_read(data: bytes) -> None:
    found = list(read(data))
    assert [r.lines for r in found if isinstance(r, Record)] == LINES
    assert [(r.number, r.end_ns, r.lines_n) for r in found if isinstance(r, Record)] == [
        (n, 10 * n, lines.count(b"\n")) for n, lines in enumerate(LINES)
    ]
    assert [r.next_offset for r in found if isinstance(r, Record)][-1] == len(data)


def test_from_any_record_on(data: bytes) -> None:
    records = [r for r in read(data) if isinstance(r, Record)]
    for k, record in enumerate(records):
        assert list(read(data, record.next_offset)) == records[k + 1 :]


def test_cut_anywhere_nothing_whole_is_lost_and_the_rest_is_a_tail(data: bytes) -> None:
    ends = [r.next_offset for r in read(data) if isinstance(r, Record)]
    for length in range(HEADER_BYTES, len(data)):
        found = list(read(data[:length]))
        records = [one for one in found if isinstance(one, Record)]
        assert len(records) == sum(end <= length for end in ends)
        damages = [one for one in found if isinstance(one, Damage)]
        if length in (HEADER_BYTES, *ends):
            assert damages == []
        else:
            assert len(damages) == 1 and damages[0].is_tail
            assert damages[0].offset + damages[0].bytes_n == length


def test_a_header_cut_short_or_of_something_else(data: bytes) -> None:
    assert list(read(b"")) == [Damage(0, 0, is_tail=True)]
    assert list(read(b"LCSP")) == [Damage(0, 4, is_tail=True)]
    assert list(read(b"#!/bin/sh" * 9)) == [Damage(0, 81, is_tail=False)]


@given(st.data())
def test_a_damaged_byte_costs_one_record(data: bytes, draw) -> None:
    records = [r for r in read(data) if isinstance(r, Record)]
    at = draw.draw(st.integers(HEADER_BYTES, len(data) - 1))
    flipped = bytearray(data)
    flipped[at] ^= draw.draw(st.integers(1, 255))
    found = list(read(bytes(flipped)))
    hit = next(k for k, r in enumerate(records) if at < r.next_offset)
    assert [one for one in found if isinstance(one, Record)] == records[:hit] + records[hit + 1 :]
    damages = [one for one in found if isinstance(one, Damage)]
    assert len(damages) == 1
    begin = records[hit - 1].next_offset if hit else HEADER_BYTES
    assert (damages[0].offset, damages[0].bytes_n) == (begin, records[hit].next_offset - begin)
    assert not damages[0].is_tail or hit == len(records) - 1


@given(st.binary(max_size=300))
def test_any_bytes_are_read_to_their_end(junk: bytes) -> None:
    for found in read(junk):
        assert isinstance(found, Damage)


def test_a_file_that_is_there_is_not_begun_again(tmp_path: Path) -> None:
    whole(tmp_path)
    with pytest.raises(FileExistsError):
        segment.create(tmp_path / "a", "a", 1)
