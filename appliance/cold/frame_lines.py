"""Reads recorded frames: three ways to write them down, one way to read them.

A line is one of

==== ===================================== =====================================================
A    ``<digits> <frame>``                  13 digits are ms, 16 us, 19 ns
B    ``<seconds>: <frame>``                seconds with a point; ``<url> <-> <seconds>`` heads a
                                           connection and is remembered, not a frame
B    ``<url> -> <seconds>: <body>``        a REST reply; a depth snapshot if the URL says so
C    ``<frame>``                           no stamp; also one JSON document as the whole file
==== ===================================== =====================================================

The form is found line by line. Frames are not looked into, but for one thing: a bare reply that
starts with ``lastUpdateId`` is a REST snapshot (binance-protocol 2; of the streams only raw spot
partial depth looks the same, which is why recordings use combined streams).

Broken lines are counted by kind and left out. A recording's clock never runs back: a line stamped
before its predecessor is broken, and so is a leap of more than an hour that the next line takes
back (else one bad digit would make everything behind it look late).
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import simdjson

from appliance.abi.units import NS_PER_MS, NS_PER_S, NS_PER_US
from appliance.cold.byte_lines import LINE_BYTES_MAX, ByteLines, Endings, Progress
from appliance.cold.errors import ApplianceError
from appliance.cold.line import Broken, Line, ReadReport

_NS_PER_UNIT: Final = {13: NS_PER_MS, 16: NS_PER_US, 19: 1}  # by digits of the stamp
_LEAP_NS: Final = 3600 * NS_PER_S
_GIVE_UP_LINES: Final = 10_000  # without a single frame: this is no recording
_SECONDS_DIGITS_MAX: Final = 10
_WANTED: Final = "a recording has lines of `<receive time> <frame>`, plain or gzip"
_SNAPSHOT_START: Final = b'{"lastUpdateId"'


def read(
    path: str | Path,
    *,
    progress: Progress | None = None,
    report: ReadReport | None = None,
) -> Iterator[Line]:
    """The frames of a file in their order, in bounded memory.

    ``report`` is filled in on the way. Raises ApplianceError, at once for a file that cannot be
    opened, while reading for one that holds no frame.
    """
    path = Path(path)
    report = ReadReport() if report is None else report
    source = ByteLines(path, progress=progress)
    return _read(path, source, report)


def _read(path: Path, source: ByteLines, report: ReadReport) -> Iterator[Line]:
    before = report.frames
    try:
        yield from _in_order(_parsed(_documents(iter(source)), report, path), report)
    finally:
        source.close()
    _settle(source.endings, report)
    if report.frames == before:
        cut = " before its end" if source.endings.truncated else ""
        raise ApplianceError(f"{path} holds no frame{cut}; {_WANTED}")


def _settle(endings: Endings, report: ReadReport) -> None:
    unseen = endings.too_long + endings.cut
    report.lines += unseen
    report.truncated |= endings.truncated
    if endings.too_long:
        report.broken[Broken.TOO_LONG] += endings.too_long
    if endings.cut:
        report.broken[Broken.CUT] += endings.cut


def _documents(batches: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
    """The same lines; but a file that is one JSON document over many lines becomes one line."""
    first = next(batches, [])
    opening = next((text for text in first if not text.isspace() and text), b"")
    if not opening.lstrip().startswith((b"{", b"[")) or _is_json(opening):
        return chain([first], batches)
    taken = [first]
    size = sum(map(len, first))
    for batch in batches:
        taken.append(batch)
        size += sum(map(len, batch))
        if size > LINE_BYTES_MAX:
            return chain(taken, batches)
    document = b" ".join(chain.from_iterable(taken))
    return iter([[document]]) if _is_json(document) else iter(taken)


def _is_json(text: bytes) -> bool:
    try:
        simdjson.Parser().parse(text)
    except ValueError:
        return False
    return True


def _parsed(batches: Iterator[list[bytes]], report: ReadReport, path: Path) -> Iterator[Line]:
    """The lines that are well formed, whatever their stamps say."""
    broken = report.broken
    found = False
    for batch in batches:
        for raw in batch:
            text = raw.strip()
            if not text:
                continue
            report.lines += 1
            head, _, frame = text.partition(b" ")
            if head.isdigit():
                scale = _NS_PER_UNIT.get(len(head), 0)
                if scale and frame:
                    found = True
                    # one in hundreds: spare the others the call
                    is_rest = frame[:10] != b'{"stream":' and _is_snapshot(frame)
                    yield Line(int(head) * scale, frame, is_rest)
                    continue
                verdict: Line | Broken | None = Broken.NO_FRAME if scale else Broken.BAD_STAMP
            else:
                verdict = _other_form(text, report)
            if isinstance(verdict, Line):
                found = True
                yield verdict
            elif verdict is not None:
                broken[verdict] += 1
                if not found and report.lines >= _GIVE_UP_LINES:
                    raise ApplianceError(
                        f"{path} has no frame in its first {_GIVE_UP_LINES} lines; {_WANTED}"
                    )


def _other_form(text: bytes, report: ReadReport) -> Line | Broken | None:
    """A line of form B or C. None: sound, but no frame."""
    if text.startswith((b"{", b"[")):
        return Line(None, text, _is_snapshot(text))
    head, _, frame = text.partition(b" ")
    symbol = None
    is_rest = False
    if b"://" in head:
        arrow, _, rest = frame.partition(b" ")
        if head.startswith((b"ws:", b"wss:")) or arrow == b"<->":
            report.connections.append(text.decode(errors="replace"))
            return None
        if arrow != b"->":
            return Broken.NO_STAMP
        is_depth, symbol = _depth_of(head)
        if not is_depth:
            report.ignored += 1
            return None
        is_rest = True
        head, _, frame = rest.partition(b" ")
    elif not frame and not head.endswith(b":"):
        return Broken.NO_STAMP
    stamp = _seconds_ns(head)
    if stamp is None:
        return Broken.BAD_STAMP
    frame = frame.lstrip()
    if not frame:
        return Broken.NO_FRAME
    return Line(stamp, frame, is_rest or _is_snapshot(frame), symbol)


def _is_snapshot(frame: bytes) -> bool:
    return frame.startswith(_SNAPSHOT_START) or (
        frame[1:2].isspace() and frame[1:].lstrip().startswith(_SNAPSHOT_START[1:])
    )


def _depth_of(url: bytes) -> tuple[bool, str | None]:
    """Whether a URL asks for depth, and of which symbol."""
    try:
        parts = urlsplit(url.decode())
    except ValueError:
        return False, None
    symbols = parse_qs(parts.query).get("symbol", [None])
    return parts.path.rstrip("/").endswith("/depth"), symbols[0]


def _seconds_ns(text: bytes) -> int | None:
    """``1633998512.0633569:`` in ns, exactly (digits behind the ninth are cut). None: not that."""
    if not text.endswith(b":"):
        return None
    whole, _, fraction = text[:-1].partition(b".")
    if not whole.isdigit() or len(whole) > _SECONDS_DIGITS_MAX:
        return None
    if fraction and not fraction.isdigit():
        return None
    return int(whole) * NS_PER_S + int(fraction[:9].ljust(9, b"0"))


def _in_order(lines: Iterable[Line], report: ReadReport) -> Iterator[Line]:
    """The lines whose stamps can be believed."""
    last: int | None = None
    held: Line | None = None  # it leapt ahead; the next line confirms it or takes it back
    held_ns = 0
    for line in lines:
        stamp = line[0]
        if last is not None and 0 <= (stamp or 0) - last <= _LEAP_NS and held is None:
            last = stamp
            report.frames += 1
            report.last_ns = stamp
            yield line
            continue
        if stamp is None:
            if last is None and held is None:
                report.frames += 1
                yield line
            else:  # when it came among the stamped ones is anybody's guess
                report.broken[Broken.NO_STAMP] += 1
            continue
        if held is not None:
            if stamp >= held_ns:
                last = _delivered(held_ns, report)
                yield held
                held = None
            elif held_ns - stamp > _LEAP_NS and (last is None or stamp >= last):
                report.broken[Broken.LEAP] += 1
                held = None
            else:
                report.broken[Broken.BACKWARDS] += 1
                continue
        if last is not None and stamp < last:
            report.broken[Broken.BACKWARDS] += 1
        elif last is None or stamp - last > _LEAP_NS:
            held, held_ns = line, stamp
        else:
            last = _delivered(stamp, report)
            yield line
    if held is not None:
        _delivered(held_ns, report)
        yield held


def _delivered(stamp: int, report: ReadReport) -> int:
    report.frames += 1
    if report.first_ns is None:
        report.first_ns = stamp
    report.last_ns = stamp
    return stamp
