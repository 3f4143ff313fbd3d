"""A ring of io_uring(7), set up by raw system calls, for compiled code to fill."""

import ctypes
import mmap
import os
import time
from typing import Final

import numpy as np

# Words of ``Uring.words``: places in the rings, in words of 4 bytes; then the descriptor.
SQ_TAIL, SQ_MASK, SQ_FLAGS, SQ_ARRAY, CQ_HEAD, CQ_TAIL, RING_FD, IS_POLLED = range(8)
_SETUP: Final = 425
_SETUP_SQPOLL: Final = 2


class _Params(ctypes.Structure):
    """struct io_uring_params (io_uring_setup(2))."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("sq_entries", "cq_entries", "flags", "cpu")),
        *((name, ctypes.c_uint32) for name in ("idle", "features", "wq_fd", "r0", "r1", "r2")),
        ("sq_off", ctypes.c_uint32 * 10),
        ("cq_off", ctypes.c_uint32 * 10),
    )


class Uring:
    """A ring of the kernel's; OSError where there is none."""

    ENTRIES: Final = 256  # as many events lie in the buffer at a time

    def __init__(self, *, polled: bool) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        params = _Params(flags=_SETUP_SQPOLL if polled else 0, idle=2_000)
        self.fd = libc.syscall(_SETUP, self.ENTRIES, ctypes.byref(params))
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "io_uring_setup")
        sq_bytes = params.sq_off[6] + params.sq_entries * 4
        cq_bytes = params.cq_off[5] + params.cq_entries * 16
        flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
        maps = (
            mmap.mmap(self.fd, max(sq_bytes, cq_bytes), flags, offset=0),
            mmap.mmap(self.fd, params.sq_entries * 64, flags, offset=0x10000000),
        )
        self.sq = np.frombuffer(maps[0], np.int32, len(maps[0]) // 4)
        self.entries = np.frombuffer(maps[1], np.int64, len(maps[1]) // 8).reshape(-1, 8)
        sq, cq = params.sq_off, params.cq_off
        places = [sq[1] // 4, sq[2] // 4, sq[4] // 4, sq[6] // 4, cq[0] // 4, cq[1] // 4]
        self.words = np.array([*places, self.fd, int(polled)], np.int64)

    def drain(self) -> None:
        """Until the kernel has taken all of it."""
        until_s = time.monotonic() + 10
        head = self.words[SQ_TAIL] - 1  # the head lies before the tail
        while self.sq[head] != self.sq[self.words[SQ_TAIL]] and time.monotonic() < until_s:
            time.sleep(0.001)
        time.sleep(0.05)

    def close(self) -> None:
        os.close(self.fd)
