"""Files in memory that processes share: made whole, faulted in and locked before anybody sees them.

A region is a file on tmpfs (/dev/shm) or hugetlbfs. It is prepared under a temporary name and then
renamed: whoever can open it finds it complete, and whoever has an old one mapped keeps the old.
"""

import contextlib
import ctypes
import mmap
import os
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.cold.errors import ApplianceError

DEFAULT_FOLDER: Final = Path("/dev/shm")
_MOUNTS: Final = Path("/proc/mounts")
_MCL_CURRENT: Final = 1  # mlockall(2)


class Region(mmap.mmap):
    """A mapping that knows its file. Arrays over it keep the memory; drop them before ``close``."""

    path: Path
    inode: int
    locked: bool  # pinned in RAM by this process
    note: str  # why it is not locked, else ""

    def is_current(self) -> bool:
        """Whether the path still names this file, not a newer one or none."""
        try:
            return self.path.stat().st_ino == self.inode
        except OSError:
            return False

    def close(self) -> None:
        """Unmap now, or when the last array over it goes."""
        with contextlib.suppress(BufferError):  # arrays point into it: mapped as long as they live
            super().close()

    def unlink(self) -> None:
        """Remove the name, if it still names this file. Mappings stay valid."""
        if self.is_current():
            self.path.unlink(missing_ok=True)


def create(
    path: "str | os.PathLike[str]",
    size_bytes: int,
    *,
    lock_required: bool = False,
    mode: int = 0o600,
) -> Region:
    """A new zeroed region at ``path`` (relative: in /dev/shm), mapped for writing.

    Every page is present before the name appears. Not being allowed to lock the memory is noted in
    ``Region.note`` and refused only if lock_required. On hugetlbfs the size is rounded up to whole
    huge pages. Raises ApplianceError with the way out.
    """
    target = DEFAULT_FOLDER / path
    huge_pages = is_hugetlbfs(target.parent)
    page_bytes = os.statvfs(target.parent).f_bsize if huge_pages else mmap.PAGESIZE
    size_bytes = -(-max(size_bytes, 1) // page_bytes) * page_bytes
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise ApplianceError(f"cannot make {target}: {error.strerror}") from error
    try:
        os.fchmod(handle, mode)
        os.ftruncate(handle, size_bytes)
        _allocate(handle, target, size_bytes, page_bytes, huge_pages=huge_pages)
        region = _map(handle, target, size_bytes, writable=True)
        np.frombuffer(region, np.uint8)[::page_bytes] = 0
        _lock(region)
        if lock_required and not region.locked:
            raise ApplianceError(f"{target} {region.note}")
        Path(name).rename(target)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise ApplianceError(f"cannot make {target}: {error.strerror or error}") from error
    except ApplianceError:
        Path(name).unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    return region


def attach(path: "str | os.PathLike[str]", *, writable: bool = False) -> Region:
    """The region that another process made at ``path`` (relative: in /dev/shm), faulted in.

    Raises ApplianceError if there is none or it may not be read (or written).
    """
    target = DEFAULT_FOLDER / path
    access = os.O_RDWR if writable else os.O_RDONLY
    try:
        handle = os.open(target, access | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError as error:
        raise ApplianceError(
            f"no region {target}: is the process that makes it running?"
        ) from error
    except OSError as error:
        raise ApplianceError(f"cannot open {target}: {error.strerror}") from error
    try:
        size_bytes = os.fstat(handle).st_size
        if size_bytes == 0:
            raise ApplianceError(f"{target} is empty: not a region")
        return _map(handle, target, size_bytes, writable=writable)
    except OSError as error:
        raise ApplianceError(f"cannot map {target}: {error.strerror or error}") from error
    finally:
        os.close(handle)


def _map(handle: int, target: Path, size_bytes: int, *, writable: bool) -> Region:
    protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
    region = Region(handle, size_bytes, flags=flags, prot=protection)
    region.path = target
    region.inode = os.fstat(handle).st_ino
    region.locked = False
    region.note = ""
    return region


def _allocate(
    handle: int, target: Path, size_bytes: int, page_bytes: int, *, huge_pages: bool
) -> None:
    """Reserve the memory now: a page that is missing later would kill the process (SIGBUS)."""
    try:
        os.posix_fallocate(handle, 0, size_bytes)
    except OSError as error:
        if huge_pages:
            raise ApplianceError(
                f"no {size_bytes // page_bytes} free huge pages of {page_bytes // 1024} kB for"
                f" {target}: raise vm.nr_hugepages, or choose /dev/shm"
            ) from error
        raise ApplianceError(
            f"no room for {size_bytes} bytes in {target.parent}: {error.strerror}"
        ) from error


def _lock(region: Region) -> None:
    address = np.frombuffer(region, np.uint8).ctypes.data
    size_bytes = ctypes.c_size_t(len(region))
    region.note = _call_libc("mlock", ctypes.c_void_p(address), size_bytes)
    region.locked = not region.note


def lock_all() -> list[str]:
    """Pin all memory that this process has now in RAM. What to tell the user if it may not be."""
    note = _call_libc("mlockall", ctypes.c_int(_MCL_CURRENT))
    return [f"memory {note}"] if note else []


def _call_libc(name: str, *arguments: Any) -> str:
    """Empty, or why memory could not be locked."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) == 0:
        return ""
    reason = os.strerror(ctypes.get_errno())
    return f"is not locked ({reason}): raise the limit on locked memory (memlock)"


def is_hugetlbfs(folder: Path) -> bool:
    """Whether files in ``folder`` are made of huge pages."""
    folder = folder.resolve()
    mounts = [line.split()[1:3] for line in _MOUNTS.read_text().splitlines()]
    holding = [
        (len(point), kind)
        for point, kind in mounts
        if folder == Path(point) or Path(point) in folder.parents
    ]
    return bool(holding) and max(holding)[1] == "hugetlbfs"
