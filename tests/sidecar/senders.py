"""A server that says what a test wants, and a spool with lines for it."""

from sidecar.point import Class
from sidecar.sender import Sender
from sidecar.spool import Spool
from sidecar.transport import Answer, Outcome

S = 10**9
POISON = b"poison"


class Server:
    """Keeps what it takes; ``says`` decides."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.says = lambda _: Answer(Outcome.TAKEN)
        self.closed = False

    def write(self, lines: bytes) -> Answer:
        answer = self.says(lines)
        if answer.outcome is Outcome.TAKEN:
            self.taken += [x for x in lines.splitlines(True) if not x.startswith(b"lc_probe")]
        elif answer.said == "partial":  # as 1.x does: the good ones are written
            self.taken += [line for line in lines.splitlines(True) if POISON not in line]
        return answer

    def close(self) -> None:
        self.closed = True


def line(kind: Class, number: int, k: int = 0) -> bytes:
    return b"%b a=%di %d\n" % (kind.encode(), k, number)


def fill(spool: Spool, numbers: range, *, each: int = 1, every_ns: int = S) -> list[bytes]:
    written = []
    for number in numbers:
        lines = {kind: [line(kind, number, k) for k in range(each)] for kind in Class}
        spool.commit(number * every_ns, {k: b"".join(v) for k, v in lines.items()}, {})
        written += [one for some in lines.values() for one in some]
    return written


def drain(made: Sender, steps_max: int = 10_000) -> None:
    for _ in range(steps_max):
        if not made.step():
            return
    raise AssertionError("it never ends")
