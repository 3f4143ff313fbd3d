"""What the sender (sidecar.sender) makes of a spool with holes in it."""

from pathlib import Path

import pytest

from sidecar import sender, stream
from sidecar.lanes import Lanes
from sidecar.point import Class
from sidecar.sender import Sender
from sidecar.spool import Spool
from sidecar.transport import Answer, Outcome
from tests.sidecar.senders import Server, drain, fill


@pytest.fixture
def spool(tmp_path: Path):
    made = Spool(tmp_path / "spool", 1 << 30)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WAIT_FIRST_S", "WAIT_MAX_S", "HELD_S"):
        monkeypatch.setattr(sender, name, 0.0)


def test_what_was_dropped_meanwhile_is_passed_over(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SEGMENT_BYTES", 1)
    server = Server()
    made = Sender(spool, server, 1)
    server.says = lambda _: Answer(Outcome.LATER, "away")
    fill(spool, range(1, 30))
    made.step()
    for _ in range(20):
        spool.streams[Class.DETAIL].drop_oldest()
    server.says = lambda _: Answer(Outcome.TAKEN)
    drain(made)
    numbers = sorted(int(one.split()[-1]) for one in server.taken if one.startswith(b"c"))
    assert numbers == list(range(21, 30)) and made.is_done()


def test_damage_in_the_spool_is_passed_over_and_told(spool: Spool) -> None:
    fill(spool, range(1, 9))
    path = spool.folder / "a-00000001.spool"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    server = Server()
    made = Sender(spool, server, 1)
    drain(made)
    assert len([one for one in server.taken if one.startswith(b"a")]) == 7
    damaged_n = spool.damaged_bytes_n[Class.MUST]
    assert damaged_n > 0
    made.lanes[Class.MUST] = Lanes()  # the same once more, as after an interruption
    drain(made)
    assert spool.damaged_bytes_n[Class.MUST] == damaged_n, "told once"
