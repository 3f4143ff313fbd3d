"""From the spool to the database, in a thread of its own: nobody waits for the server.

What the server says decides: taken: go on; away or busy: wait, longer each time, with chance in it
so that many do not come back at once; not allowed: hold, and say so; too large: half as much;
refused: halves again and again, until the lines it does not take stand alone and go to the
quarantine with the server's words, unless it refuses lines that nobody can object to as well.
"""

import random
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sidecar import lanes as lane_file
from sidecar.point import Class
from sidecar.segment import Damage, Record
from sidecar.spool import Spool
from sidecar.stream import Position
from sidecar.transport import Answer, Outcome, Transport

LINES_MAX: Final = 5_000  # of one request
IDLE_S: Final = 0.2
WAIT_FIRST_S: Final = 0.5
WAIT_MAX_S: Final = 4.0  # so that what is shown is fresh within ten seconds of a recovery
HELD_S: Final = 10.0
CONFIRMATIONS: Final = 8  # that a line is refused and others are not
QUARANTINE_BYTES_MAX: Final = 64 * 1024 * 1024


@dataclass
class Sent:
    """What the sender has done since it began."""

    lines_n: int = 0
    requests_n: int = 0
    retries_n: int = 0
    quarantined_n: int = 0
    last_ok_ns: int = 0  # Unix epoch; 0: never
    state: str = "starting"  # sending, waiting, held
    said: str = ""  # the server's last word that was no yes


@dataclass
class Batch:
    """Of one lane, from ``begin`` on: how many lines of it are done with."""

    begin: Position
    live: bool
    done_n: int = 0
    refused_n: int = 0  # times that the next one was refused while others were taken


class Sender:
    """``start``, ``stop``; ``told`` for any thread."""

    def __init__(self, spool: Spool, transport: Transport, seed: int | None = None) -> None:
        self._spool, self._transport = spool, transport
        self._rng = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sender", daemon=True)
        self.lanes = lane_file.load(spool.folder)
        self.sent = Sent()
        self._wait_s = WAIT_FIRST_S
        self._lines_max = LINES_MAX
        self._batches: dict[Class, Batch] = {}  # that the server interrupted
        self._unsent_ns: dict[tuple[Class, bool], int] = {}  # where each lane's oldest record ends

    def start(self) -> None:
        self._thread.start()

    def stop(self, within_s: float = 10.0) -> None:
        """Ends after the request that is under way."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(within_s)
        self._transport.close()

    def told(self) -> dict[str, Any]:
        return asdict(self.sent) | {"behind_s": self.behind_s(), "all_sent": self.is_done()}

    def behind_s(self) -> float:
        """How much older than the newest record the oldest one is that was tried and not taken."""
        newest_ns = max(stream.last_end_ns for stream in self._spool.streams.values())
        oldest_ns = min(list(self._unsent_ns.values()), default=newest_ns)
        return max(newest_ns - oldest_ns, 0) / 1e9

    def is_done(self) -> bool:
        """Whether everything in the spool has been taken."""
        return all(self._spool.streams[k].end <= one.oldest for k, one in self.lanes.items())

    # ---- the thread ------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._over.is_set():
            if not self.step():
                self._over.wait(IDLE_S)

    def step(self) -> bool:
        """One batch: what is new first, else of what was left behind. False: there is none."""
        for kind in Class:
            self._keep_fresh(kind)
            if self._send_from(kind, live=True):
                return True
        return any(self._send_from(kind, live=False) for kind in Class)

    def _keep_fresh(self, kind: Class) -> None:
        lanes, stream = self.lanes[kind], self._spool.streams[kind]
        lanes.live = max(lanes.live, stream.begin)
        first = next(stream.pieces(lanes.live, stream.end), None)
        if first is None or isinstance(first.found, Damage):
            return
        newest_ns = stream.last_end_ns
        if newest_ns - first.found.end_ns > lane_file.FRESH_NS:
            lanes.jump(stream.end)

    def _send_from(self, kind: Class, *, live: bool) -> bool:
        """A batch of one lane. Whether there was one, sent or not."""
        lanes, stream = self.lanes[kind], self._spool.streams[kind]
        if live:
            begin, end = lanes.live, stream.end
        elif lanes.stretches:
            begin, end = lanes.stretches[0]
            begin = max(begin, stream.begin)  # what was dropped meanwhile, the spool told of
        else:
            return False
        lines, behind = self._gather(kind, begin, end, live=live)
        if behind == begin:
            if not live:
                lanes.sent(end, live=False)
            return not live
        batch = self._batches.get(kind)
        if batch is None or (batch.begin, batch.live) != (begin, live):
            batch = self._batches[kind] = Batch(begin, live)
        if self._deliver(lines, batch):
            del self._batches[kind]
            self._unsent_ns.pop((kind, live), None)
            lanes.sent(behind, live=live)
            lane_file.store(self._spool.folder, self.lanes)
        return True

    def _gather(
        self, kind: Class, begin: Position, end: Position, *, live: bool
    ) -> tuple[list[bytes], Position]:
        """Whole records up to LINES_MAX lines, at least one; and where they end."""
        lines: list[bytes] = []
        behind = begin
        self._unsent_ns.pop((kind, live), None)
        for found, found_end in self._spool.streams[kind].pieces(begin, end):
            if isinstance(found, Record):
                self._unsent_ns.setdefault((kind, live), found.end_ns)
                if lines and len(lines) + found.lines_n > LINES_MAX:
                    break
                lines += found.lines.splitlines(keepends=True)
            elif not found.is_tail:
                self._spool.note_damage(kind, found_end, found.bytes_n)
            behind = found_end
        return lines, behind

    # ---- one batch -------------------------------------------------------------------------------

    def _deliver(self, lines: list[bytes], batch: Batch) -> bool:
        """Whether every line was taken or put aside; False: later, from ``batch.done_n`` on."""
        while batch.done_n < len(lines):
            if self._over.is_set():
                return False
            part = lines[batch.done_n :][: self._lines_max]
            answer = self._ask(part, batch)
            if answer.outcome is Outcome.TAKEN:
                continue
            if answer.outcome is Outcome.TOO_LARGE and len(part) > 1:
                self._lines_max = max(len(part) // 2, 1)
            elif answer.outcome in (Outcome.REFUSED, Outcome.TOO_LARGE):
                if not self._sift(part, answer, batch):
                    return False
            else:
                self._wait(answer)
                return False
        return True

    def _ask(self, lines: list[bytes], batch: Batch) -> Answer:
        self.sent.requests_n += 1
        answer = self._transport.write(b"".join(lines))
        if answer.outcome is Outcome.TAKEN:
            batch.done_n += len(lines)
            batch.refused_n = 0
            self.sent.lines_n += len(lines)
            self.sent.last_ok_ns = time.time_ns()
            self.sent.state, self._wait_s = "sending", WAIT_FIRST_S
        else:
            self.sent.said = answer.said
        return answer

    def _sift(self, lines: list[bytes], answer: Answer, batch: Batch) -> bool:
        """Find the lines that are refused, by halves and in order, so that what is done stays done.
        False: the server went away meanwhile."""
        if len(lines) == 1:
            return self._judge(lines[0], batch)
        middle = len(lines) // 2
        for half in (lines[:middle], lines[middle:]):
            answer = self._ask(half, batch)
            if answer.outcome is Outcome.TAKEN:
                continue
            if answer.outcome in (Outcome.REFUSED, Outcome.TOO_LARGE):
                if not self._sift(half, answer, batch):
                    return False
            else:
                self._wait(answer)
                return False
        return True

    def _judge(self, line: bytes, batch: Batch) -> bool:
        """Put a line aside, if it is refused again and again while others are taken: whatever fails
        at random must not cost a good line. False: the server went away meanwhile."""
        while batch.refused_n < CONFIRMATIONS:
            if not self._takes_anything():
                return False
            answer = self._ask([line], batch)
            if answer.outcome is Outcome.TAKEN:
                return True
            if answer.outcome not in (Outcome.REFUSED, Outcome.TOO_LARGE):
                self._wait(answer)
                return False
            batch.refused_n += 1
        self._quarantine(line, self.sent.said)
        batch.done_n += 1
        batch.refused_n = 0
        return True

    def _takes_anything(self) -> bool:
        """Whether a line that nobody can object to is taken. If not, it is not the lines."""
        answer = self._transport.write(b"lc_probe,proc=sidecar ok=1i %d\n" % time.time_ns())
        if answer.outcome is Outcome.TAKEN:
            return True
        self._wait(answer)
        return False

    def _wait(self, answer: Answer) -> None:
        self.sent.retries_n += 1
        if answer.outcome is Outcome.HELD:
            self.sent.state = "held"
            self._over.wait(HELD_S)
            return
        self.sent.state = "waiting"
        pause_s = max(self._rng.uniform(0, self._wait_s), answer.retry_after_s)
        self._wait_s = min(2 * self._wait_s, WAIT_MAX_S)
        self._over.wait(pause_s)

    def _quarantine(self, line: bytes, said: str) -> None:
        """One line that the server does not take, with its words; bounded."""
        self.sent.quarantined_n += 1
        path: Path = self._spool.folder / "quarantine.lp"
        try:
            if path.exists() and path.stat().st_size > QUARANTINE_BYTES_MAX:
                path.replace(path.with_suffix(".lp.old"))
            with path.open("ab") as file:
                file.write(b"# " + said.encode() + b"\n" + line)
        except OSError as error:
            self.sent.said = f"{path}: {error.strerror}; a refused line was lost"
