"""Records one run: its capture ring, frame by frame, onto a tape for each symbol.

A commit is one step, whatever happens in the middle of it: bytes onto the tapes, synced, and then
the manifest, which alone says what is part of the recording and where in the ring to go on. A
recorder that was killed goes on there; what the ring no longer holds is a gap, and said.
"""

import contextlib
import json
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from appliance.abi.capture import OTHERS, capture_path
from appliance.abi.capture_reader import Captured, CaptureError, CaptureReader
from appliance.abi.limits import INSTRUMENTS_MAX
from appliance.abi.market import Market, symbol_text
from appliance.abi.region import RegionError, attach
from appliance.abi.region_report import Health
from appliance.abi.region_view import RegionView
from sidecar.recorder.manifest import Cursor, Gap, Manifest
from sidecar.recorder.own_frames import gap_frame, raw_frame
from sidecar.recorder.tape import Tape

COMMIT_NS: Final = 1_000_000_000
WAITING_BYTES_MAX: Final = 8 << 20  # then a commit is due at once
SET_BACK_NS: Final = 1_000_000_000  # by more than this, the clock was set back: another file
Marks = dict[str, list[Gap]]

_OVER: Final = (Health.REPLACED, Health.GONE, Health.ENDED, Health.FAILED, Health.DEAD)


class _Sure(NamedTuple):
    """What there was to say at the last commit."""

    gaps: list[Gap]
    marks: Marks
    told: list[Gap]  # by the manifest
    told_n: int
    frames_n: int
    lost_n: int


class RunRecorder:
    """``step`` again and again, by one thread."""

    def __init__(self, region: Path, root: Path) -> None:
        self._region, self._root = region, root
        self._view: RegionView | None = None
        self._reader: CaptureReader | None = None
        self._manifest: Manifest | None = None
        self._tapes: dict[str, Tape] = {}
        self._symbols: list[str] = []
        self._gaps: list[Gap] = []  # since the last commit
        self._marks: Marks = {}  # by symbol: to be written before its next frame
        self._sure = _Sure([], {}, [], 0, 0, 0)
        self._last_ns = 0  # stamp of the last line
        self._committed_ns = 0  # when
        self._done: tuple[int, int] | None = None  # the ring of the run that is over and recorded
        self.frames_n = 0
        self.lost_n = 0
        self.complaint = ""  # what is amiss at present, in one line

    def step(self) -> bool:
        """Reads what there is, and commits when that is due. Whether more waits."""
        if self._reader is None and not self._attach():
            return False
        assert self._reader is not None and self._view is not None
        is_over = self._view.health() in _OVER
        try:
            more = self._take(self._reader)
            is_over = is_over and not more
            waiting = sum(tape.waiting_bytes for tape in self._tapes.values())
            due = time.monotonic_ns() - self._committed_ns >= COMMIT_NS
            if due or is_over or waiting > WAITING_BYTES_MAX:
                self._commit(ended=is_over)
        except OSError as error:
            self._undo(error)
            return False
        if is_over:
            self._done = self._reader.file_id
            self.close()
        return more

    @property
    def is_idle(self) -> bool:
        """Nothing is being recorded."""
        return self._reader is None

    @property
    def folder(self) -> Path | None:
        return None if self._manifest is None else self._manifest.folder

    def told(self) -> dict[str, Any]:
        manifest = self._manifest
        return {
            "folder": str(self.folder or self._root),
            "frames": self.frames_n,
            "lost_frames": self.lost_n,
            "gaps": 0 if manifest is None else manifest.gaps_n,
            "complaint": self.complaint,
        }

    def files_changed(self, stored: Manifest) -> None:
        """Somebody removed files that are over from our folder: ``stored`` is what it holds."""
        if self._manifest is not None and self._manifest.folder == stored.folder:
            self._manifest.over, self._manifest.unstored = stored.over, []
            self._manifest.dropped_n = stored.dropped_n
            self._manifest.dropped_to_ns = stored.dropped_to_ns

    def end(self) -> None:
        """Everything that was read is safe, and we let go. The run goes on without us."""
        if self._reader is not None:
            try:
                self._commit(ended=False)
            except OSError as error:
                self._undo(error)
        self.close()

    def close(self) -> None:
        """Let go. What is not committed is still in the ring."""
        if self._reader is not None:
            self._reader.close()
        if self._view is not None:
            self._view.close()
        self._reader = self._view = None
        self._tapes = {}

    # --- parts of a step --------------------------------------------------------------------------

    def _attach(self) -> bool:
        """The run's ring, and the recording that it belongs to."""
        path = capture_path(self._region)
        try:
            stat = path.stat()
        except OSError:
            return False
        if (stat.st_dev, stat.st_ino) == self._done:
            return False
        try:
            view = attach(self._region)
        except RegionError:
            return False  # the sampler says so
        try:
            reader = CaptureReader(path)
        except CaptureError as error:
            self.complaint = str(error)
            view.close()
            return False
        if reader.epoch != view.identity.epoch:  # the one is of an older run
            reader.close()
            view.close()
            return False
        self._view, self._reader = view, reader
        try:
            self._open(view, reader)
        except (OSError, ValueError) as error:
            self.complaint = f"{self._root}: {getattr(error, 'strerror', None) or error}"
            self.close()
            return False
        self.complaint = ""
        return True

    def _open(self, view: RegionView, reader: CaptureReader) -> None:
        """Goes on where the manifest says. OSError, ValueError: not with this folder."""
        rows = [view.status(i) for i in range(INSTRUMENTS_MAX)]
        used = [row for row in rows if row is not None and row["symbol"][0].any()]
        self._symbols = [symbol_text(row["symbol"][0]) for row in used]
        market = Market(int(used[0]["market"][0])).name.lower() if used else "none"
        folder = self._root / view.identity.name / market
        folder.mkdir(parents=True, exist_ok=True)
        manifest = self._manifest = Manifest.load(folder)
        manifest.set_aside()
        self._gaps, self._marks, self._tapes = [], {}, {}
        self._last_ns = manifest.cursor.last_ns
        for symbol, segment in manifest.growing.items():
            try:
                self._tapes[symbol] = Tape(folder, symbol, segment)
            except (ValueError, FileNotFoundError):
                # Somebody took bytes away that were sure: what is left keeps another name.
                with contextlib.suppress(FileNotFoundError):
                    (folder / segment.file).rename(folder / f"{segment.file}.damaged")
                self._note_gap("file_damaged", segment.frames)
        cursor = manifest.cursor
        if cursor.epoch == reader.epoch:
            reader.seek(cursor.position, cursor.number)
        elif cursor.epoch and not cursor.ended:
            self._note_gap("end_of_run_not_recorded", None)
        self._committed_ns = time.monotonic_ns()
        self._note_sure(manifest)

    def _take(self, reader: CaptureReader) -> bool:
        """The next frames of the ring onto the tapes. Whether more waits."""
        taken = reader.poll()
        if taken.missed_n:
            self.lost_n += taken.missed_n
            self._note_gap("overwritten_in_the_ring", taken.missed_n)
        for captured in taken.frames:
            self._add(captured)
        self.frames_n += len(taken.frames)
        return reader.waiting_bytes > 0

    def _add(self, captured: Captured) -> None:
        symbol = OTHERS
        if 0 <= captured.instrument < len(self._symbols):
            symbol = self._symbols[captured.instrument]
        elif self._symbols:
            symbol = self._symbol_in(captured.frame)
        stamp_ns = captured.receive_ns
        if self._last_ns - SET_BACK_NS < stamp_ns <= self._last_ns:
            stamp_ns = self._last_ns + 1  # the order of all symbols together stays what it was
        self._last_ns = stamp_ns
        tape = self._tapes.get(symbol)
        if tape is None:
            assert self._manifest is not None
            tape = self._tapes[symbol] = Tape(self._manifest.folder, symbol)
        for gap in self._marks.pop(symbol, ()):
            tape.add(stamp_ns, gap_frame(symbol, gap), is_gap=True)
        frame = captured.frame
        if not frame or b"\n" in frame or b"\r" in frame:
            frame = raw_frame(symbol, frame)
        tape.add(stamp_ns, frame)

    def _symbol_in(self, frame: bytes) -> str:
        """The symbol of a frame that the loop could not place, if it is one of the run's."""
        try:
            told = json.loads(frame)
            data = told.get("data", told)
            symbol = data.get("s") or str(told.get("stream", "")).partition("@")[0].upper()
        except (ValueError, AttributeError):
            return OTHERS
        return symbol if symbol in self._symbols else OTHERS

    def _note_gap(self, why: str, lost_frames: int | None) -> None:
        gap = Gap(why, self._last_ns or time.time_ns(), lost_frames)
        self._gaps.append(gap)
        for symbol in self._symbols:
            self._marks.setdefault(symbol, []).append(gap)

    # --- commit and its opposite ------------------------------------------------------------------

    def _commit(self, *, ended: bool) -> None:
        """Everything up to the reader's place is safe. OSError: nothing of it is."""
        manifest, reader = self._manifest, self._reader
        assert manifest is not None and reader is not None
        for tape in self._tapes.values():
            if ended:
                tape.close_segment()
            else:
                tape.write()
        at = Cursor(reader.epoch, reader.position, reader.number, ended, self._last_ns)
        self._committed_ns = time.monotonic_ns()
        if at == manifest.cursor and not self._gaps:
            return
        if self._gaps:  # before the frames behind them: rather said twice than not at all
            for gap in self._gaps:
                manifest.note_gap(gap)
            manifest.store()
        over = [segment for tape in self._tapes.values() for segment in tape.closed]
        manifest.keep(at, [t.segment for t in self._tapes.values() if t.segment], over)
        for tape in self._tapes.values():
            tape.kept()
        self._gaps = []
        self._note_sure(manifest)
        self.complaint = ""
        if manifest.unstored:
            manifest.store()

    def _note_sure(self, manifest: Manifest) -> None:
        self._sure = _Sure(
            list(self._gaps),
            _copied(self._marks),
            manifest.gaps,
            manifest.gaps_n,
            self.frames_n,
            self.lost_n,
        )

    def _undo(self, error: OSError) -> None:
        """The disk refused: the frames are still in the ring, and are read again from there."""
        manifest, reader = self._manifest, self._reader
        assert manifest is not None and reader is not None
        self.complaint = f"{manifest.folder}: {error.strerror}: nothing is recorded"
        for tape in self._tapes.values():
            with contextlib.suppress(OSError):
                tape.undo()
        at = manifest.cursor
        mine = at.epoch == reader.epoch
        reader.seek(at.position if mine else 0, at.number if mine else 0)
        self._last_ns = at.last_ns
        self._gaps, self._marks = list(self._sure.gaps), _copied(self._sure.marks)
        manifest.gaps, manifest.gaps_n = self._sure.told, self._sure.told_n
        self.frames_n, self.lost_n = self._sure.frames_n, self._sure.lost_n
        self._committed_ns = time.monotonic_ns()


def _copied(marks: Marks) -> Marks:
    return {symbol: list(gaps) for symbol, gaps in marks.items()}
