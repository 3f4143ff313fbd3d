"""One living process per region name: who is first stays, who is dead makes room."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from appliance.abi import telemetry as layout
from appliance.abi.process_identity import ProcessIdentity, is_alive
from appliance.abi.region import header_crc
from appliance.abi.version import MAGIC
from appliance.cold.errors import ApplianceError

_LOCK_TRIES_MAX: Final = 100
_LOCK_PAUSE_S: Final = 0.02


@contextlib.contextmanager
def only_one(directory: Path) -> Iterator[None]:
    """Between looking for an owner and becoming one nobody else may do so in ``directory``."""
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ApplianceError(f"cannot open {directory}: {error.strerror}") from error
    try:
        for _ in range(_LOCK_TRIES_MAX):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_LOCK_PAUSE_S)
        else:
            raise ApplianceError(f"{directory} is locked by another process: try again")
        yield
    finally:
        os.close(handle)


def refuse_if_owned(path: Path) -> None:
    """ApplianceError unless the name is free, or its owner can be seen to be dead."""
    try:
        with path.open("rb") as file:
            identity = file.read(layout.HEADER.itemsize)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ApplianceError(f"cannot look who owns {path}: {error.strerror}") from error
    if not identity.startswith(MAGIC):
        return  # whoever made it died before it wrote its name, or it is none of ours
    header = np.frombuffer(identity.ljust(layout.HEADER.itemsize, b"\0"), layout.HEADER, 1)[0]
    if int(header["crc"]) != header_crc(identity):
        raise ApplianceError(
            f"{path} was written by another version: stop its process, then remove the file"
        )
    owner = ProcessIdentity(
        int(header["pid"]), int(header["start_clock_ticks"]), bytes(header["boot_id"]).decode()
    )
    if is_alive(owner):
        raise ApplianceError(
            f"{path.name} belongs to process {owner.pid}, which still runs: "
            "stop it, or choose another name"
        )
