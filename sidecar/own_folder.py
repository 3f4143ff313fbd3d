"""One sidecar a folder: who is first has it, until it lets go or dies."""

import fcntl
import os
from pathlib import Path
from typing import Final

LOCK_NAME: Final = "sidecar.lock"


class FolderError(Exception):
    """The folder cannot be used; one line for the user."""


def take(folder: Path, what: str, other: str) -> int:
    """The descriptor that holds the folder until it is closed.

    ``what`` is kept there; ``other``: how to name another folder, for the user.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fd = os.open(folder / LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise FolderError(
            f"{folder}: {error.strerror}: {what} cannot be kept there; name another folder {other}"
        ) from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(fd, 32, 0).decode(errors="replace").strip()
        os.close(fd)
        raise FolderError(
            f"{folder} belongs to another sidecar (process {pid or 'unknown'}): stop it, or give"
            f" this one a folder of its own {other}"
        ) from None
    os.ftruncate(fd, 0)
    os.pwrite(fd, b"%d\n" % os.getpid(), 0)
    return fd
