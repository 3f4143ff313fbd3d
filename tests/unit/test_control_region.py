"""The control region (appliance.cold.control_region): real files, real processes."""

import fcntl
import multiprocessing
import os
import threading
import time
from pathlib import Path

import pytest

from appliance.abi.limits import OPERATION_TEXT_BYTES, OPERATIONS_N
from appliance.abi.operator import (
    CONTROL_BYTES,
    MARKED,
    POSTED,
    TAKEN,
    Mailbox,
    Operation,
    Result,
    control_path,
)
from appliance.abi.trading_state import TradingState
from appliance.cold import control_region
from appliance.cold.control_region import ControlRegion, NotAnswered, post
from appliance.cold.errors import ApplianceError

POSTS_N = 40


@pytest.fixture
def region(tmp_path: Path):
    made = ControlRegion(tmp_path / "lonecore-x.telemetry")
    yield made
    made.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return control_path(tmp_path / "lonecore-x.telemetry")


class Loop(threading.Thread):
    """Answers, as the loop would."""

    def __init__(self, mailbox: Mailbox, wanted_n: int) -> None:
        super().__init__()
        self.mailbox, self.wanted_n = mailbox, wanted_n
        self.taken: list[tuple[int, int, str]] = []

    def run(self) -> None:
        until_s = time.monotonic() + 20
        while len(self.taken) < self.wanted_n and time.monotonic() < until_s:
            number = int(self.mailbox.words[TAKEN])
            if int(self.mailbox.words[POSTED]) == number:
                time.sleep(0.0001)
                continue
            record = self.mailbox.operations[number % OPERATIONS_N]
            text = bytes(record.text).rstrip(b"\0").decode()
            self.taken.append((int(record.operation), int(record.pid), text))
            record.result, record.after_state = Result.DONE, TradingState.HALTED
            record.open_orders_n = number
            self.mailbox.words[TAKEN] = number + 1


def test_an_operation_and_its_answer(region: ControlRegion, path: Path) -> None:
    assert path.name == "lonecore-x.control" and path.stat().st_mode & 0o777 == 0o600
    loop = Loop(region.mailbox, 1)
    loop.start()
    answer = post(path, Operation.HALT, "because", 5.0)
    loop.join()
    assert loop.taken == [(Operation.HALT, os.getpid(), "because")]
    assert (answer.result, answer.after) == (Result.DONE, TradingState.HALTED)


def _post_many(path: Path, name: str) -> None:
    for n in range(POSTS_N):
        post(path, Operation.REDUCE, f"{name} {n}", 10.0)


def test_two_processes_post_at_once(region: ControlRegion, path: Path) -> None:
    """Nothing is lost, nothing is mixed, each keeps its order."""
    loop = Loop(region.mailbox, 2 * POSTS_N)
    loop.start()
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_post_many, args=(path, name)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    loop.join()
    texts = [text for _, _, text in loop.taken]
    for name in "ab":
        assert [t for t in texts if t[0] == name] == [f"{name} {n}" for n in range(POSTS_N)]


def test_a_loop_that_stands_still(region: ControlRegion, path: Path) -> None:
    began_s = time.monotonic()
    with pytest.raises(NotAnswered, match=r"did not answer within 0\.05 s"):
        post(path, Operation.HALT, "", 0.05)
    assert time.monotonic() - began_s < 5
    assert region.mailbox.words[POSTED] == 1, "it waits there"
    for _ in range(OPERATIONS_N - 1):
        with pytest.raises(NotAnswered):
            post(path, Operation.HALT, "", 0.001)
    with pytest.raises(NotAnswered, match="16 operations wait already"):
        post(path, Operation.HALT, "", 0.001)
    assert region.mailbox.words[POSTED] == OPERATIONS_N


@pytest.mark.parametrize("text", ["x" * 500, "€" * 500, "", "\udcff"])
def test_a_reason_of_any_length(region: ControlRegion, path: Path, text: str) -> None:
    loop = Loop(region.mailbox, 1)
    loop.start()
    post(path, Operation.HALT, text, 5.0)
    loop.join()
    (kept,) = [text for *_, text in loop.taken]
    assert len(kept.encode()) <= OPERATION_TEXT_BYTES
    assert text.encode(errors="replace").decode().startswith(kept)


def test_files_that_are_none(tmp_path: Path, path: Path) -> None:
    with pytest.raises(ApplianceError, match="nothing runs under that name"):
        post(path, Operation.HALT, "", 0.1)
    path.write_bytes(b"short")
    with pytest.raises(ApplianceError, match="it has 5 bytes"):
        post(path, Operation.HALT, "", 0.1)
    path.write_bytes(bytes(CONTROL_BYTES))
    with pytest.raises(ApplianceError, match="another version"):
        post(path, Operation.HALT, "", 0.1)
    path.unlink()
    path.mkdir()
    with pytest.raises(ApplianceError, match="cannot open"):
        post(path, Operation.HALT, "", 0.1)
    path.rmdir()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ApplianceError, match="cannot open"):
        post(path, Operation.HALT, "", 0.1)


def test_a_lock_that_somebody_keeps(
    region: ControlRegion, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_region, "_LOCK_S", 0.05)
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(ApplianceError, match="locked by another command"):
            post(path, Operation.HALT, "", 0.1)
    assert region.mailbox.words[POSTED] == 0 and region.mailbox.words[MARKED] != 0


def test_the_name_goes_with_the_run(tmp_path: Path, path: Path) -> None:
    made = ControlRegion(tmp_path / "lonecore-x.telemetry")
    again = ControlRegion(tmp_path / "lonecore-x.telemetry")
    made.close()
    assert path.exists(), "it is another's by now"
    again.close()
    assert not path.exists()
