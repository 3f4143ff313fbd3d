"""The files of a recording as one: those of a symbol one after the other, symbols side by side.

A file is of a symbol if its name says so, as the field names them: ``btcusdt_20240808.gz``, with
anything behind the day. Files of several symbols are merged by their stamps, and a snapshot, which
names no symbol itself, is given its file's; files of one symbol, or of none, follow one another.
"""

import heapq
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from appliance.abi.capture import OTHERS
from appliance.cold.byte_lines import Progress
from appliance.cold.errors import ApplianceError
from appliance.cold.frame_lines import read
from appliance.cold.line import Line, ReadReport

_OF_SYMBOL: Final = re.compile(r"(.+)_\d{8}(?!\d)")


def in_time(paths: list[Path], progress: Progress | None, report: ReadReport) -> Iterator[Line]:
    """Every line of all files, in the order of their time. Raises ApplianceError."""
    groups: dict[str, list[Path]] = {}
    for path in paths:
        groups.setdefault(_symbol_of(path), []).append(path)
    share = _Share(paths, progress)
    if len(groups) == 1:
        yield from _one_after_the_other(paths, share, report)
        return
    reports = {symbol: ReadReport() for symbol in groups}
    try:
        yield from heapq.merge(
            *(_of(symbol, files, share, reports[symbol]) for symbol, files in groups.items()),
            key=_stamp,
        )
    finally:
        for one in reports.values():
            report.add(one)


def _symbol_of(path: Path) -> str:
    """In upper case; empty: the name does not say."""
    found = _OF_SYMBOL.match(path.name)
    return found[1].upper() if found else ""


def _of(symbol: str, paths: list[Path], share: "_Share", report: ReadReport) -> Iterator[Line]:
    """The lines of one symbol among others."""
    named = symbol not in ("", OTHERS.upper())
    for line in _one_after_the_other(paths, share, report):
        if line.receive_ns is None:
            raise ApplianceError(
                f"{paths[0]} has lines without a time: it cannot be merged with other files"
            )
        is_unnamed = line.is_rest and line.symbol is None
        yield line._replace(symbol=symbol) if named and is_unnamed else line


def _stamp(line: Line) -> int:
    assert line.receive_ns is not None
    return line.receive_ns


def _one_after_the_other(paths: list[Path], share: "_Share", report: ReadReport) -> Iterator[Line]:
    for number, path in enumerate(paths):
        before_ns = report.last_ns
        for line in read(path, progress=share.of(path), report=report):
            if (
                before_ns is not None
                and line.receive_ns is not None
                and line.receive_ns < before_ns
            ):
                raise ApplianceError(
                    f"{path} begins before {paths[number - 1]} ends;"
                    " give the recordings in the order of their time"
                )
            before_ns = None
            yield line


class _Share:
    """Progress of each file as progress of all."""

    def __init__(self, paths: list[Path], tell: Progress | None) -> None:
        self._total = sum(path.stat().st_size for path in paths if path.exists())
        self._done = dict.fromkeys(paths, 0)
        self._tell = tell

    def of(self, path: Path) -> Progress | None:
        return None if self._tell is None else partial(self._note, path)

    def _note(self, path: Path, done: int, _size: int) -> None:
        assert self._tell is not None
        self._done[path] = done
        self._tell(sum(self._done.values()), self._total)
