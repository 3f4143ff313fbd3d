"""Makes the control region of a run, and posts operations to the one of another process."""

import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from appliance.abi.limits import OPERATION_TEXT_BYTES, OPERATIONS_N
from appliance.abi.operator import (
    CONTROL_BYTES,
    MARK,
    MARKED,
    POSTED,
    TAKEN,
    Mailbox,
    Operation,
    Result,
    control_path,
    mailbox_in,
)
from appliance.abi.trading_state import TradingState
from appliance.cold import mapping
from appliance.cold.errors import ApplianceError

FILE_MODE: Final = 0o600  # whoever may write it may halt the appliance, and re-arm it
_LOCK_S: Final = 1.0
_LOOK_S: Final = 0.0005


class ControlRegion:
    """Of this process: the loop takes from it what others post."""

    def __init__(self, telemetry_path: Path) -> None:
        """Beside this process's telemetry region; what a dead one left is replaced."""
        path = control_path(telemetry_path)
        self._region = mapping.create(path, CONTROL_BYTES, mode=FILE_MODE)
        self._mailbox: Mailbox | None = mailbox_in(self._region)
        self._mailbox.words[MARKED] = MARK

    @property
    def mailbox(self) -> Mailbox:
        """Drop every reference before ``close``."""
        assert self._mailbox is not None, "the control region is closed"
        return self._mailbox

    def close(self) -> None:
        """Remove the name and let go. A second call does nothing."""
        if self._mailbox is not None:
            self._region.unlink()
            self._mailbox = None
            self._region.close()


@dataclass(frozen=True)
class Answer:
    """What the loop made of an operation."""

    result: Result
    before: TradingState
    after: TradingState
    open_orders_n: int
    value: int  # of a limit
    waited_s: float


@dataclass(frozen=True)
class OfLimit:
    """Which limit an operation is about, and the value to set."""

    limit: int
    instrument: int  # -1: the account's
    value: int = 0
    observed: int = 0
    bound: int = 0


class NotAnswered(Exception):
    """The loop did not look into its mailbox in time: one line for the user."""


def post(
    path: Path, operation: Operation, text: str, within_s: float, of_limit: OfLimit | None = None
) -> Answer:
    """Tell the loop whose control region ``path`` is, and wait for its answer.

    NotAnswered: the operation still waits there, and is carried out if the loop goes on.
    ApplianceError: there is no such region, it may not be written, or its mailbox is full.
    """
    reason = np.frombuffer(_cut(text).ljust(OPERATION_TEXT_BYTES, b"\0"), np.uint8)
    with _opened(path) as (mailbox, handle):
        with _locked(handle, path):
            number = int(mailbox.words[POSTED])
            if number - int(mailbox.words[TAKEN]) >= OPERATIONS_N:
                raise NotAnswered(f"{OPERATIONS_N} operations wait already: the loop stands still")
            record = mailbox.operations[number % OPERATIONS_N]
            record.operation, record.result = operation, Result.NONE
            record.pid, record.uid, record.posted_ns = os.getpid(), os.getuid(), time.time_ns()
            about = of_limit or OfLimit(0, -1)
            record.limit, record.instrument = about.limit, about.instrument
            record.value = about.value
            record.observed, record.bound = about.observed, about.bound
            record.text[:] = reason
            mailbox.words[POSTED] = number + 1
        began_s = time.monotonic()
        while int(mailbox.words[TAKEN]) <= number:
            if time.monotonic() - began_s > within_s:
                raise NotAnswered(f"the loop did not answer within {within_s:g} s")
            time.sleep(_LOOK_S)
        return Answer(
            Result(int(record.result)),
            TradingState(int(record.before_state)),
            TradingState(int(record.after_state)),
            int(record.open_orders_n),
            int(record.value),
            time.monotonic() - began_s,
        )


def _cut(text: str) -> bytes:
    """As UTF-8, not in the middle of a character."""
    return text.encode(errors="replace")[:OPERATION_TEXT_BYTES].decode(errors="ignore").encode()


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Mailbox, int]]:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise ApplianceError(f"no control region {path}: nothing runs under that name") from None
    except OSError as error:
        raise ApplianceError(f"cannot open {path}: {error.strerror}") from None
    try:
        size_bytes = os.fstat(handle).st_size
        if size_bytes < CONTROL_BYTES:
            raise ApplianceError(f"{path} is no control region: it has {size_bytes} bytes")
        mapped = mmap.mmap(handle, CONTROL_BYTES)
        mailbox = mailbox_in(mapped)
        if int(mailbox.words[MARKED]) != MARK:
            raise ApplianceError(f"{path} was written by another version of the appliance")
        yield mailbox, handle
    finally:
        os.close(handle)


@contextmanager
def _locked(handle: int, path: Path) -> Iterator[None]:
    """Among those who post."""
    until_s = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > until_s:
                raise ApplianceError(f"{path} is locked by another command: try again") from None
            time.sleep(_LOOK_S)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)
