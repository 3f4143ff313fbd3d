"""Sockets from compiled code: bytes, and errors as -errno."""

import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from appliance.hot.jit import JIT_DISABLED, hot
from appliance.hot.wire.socket_io import CLOSED, WOULD_BLOCK, receive, send


@hot
def take(fd, target, start, count):
    return receive(fd, target, start, count)


@hot
def give(fd, source, start, count):
    return send(fd, source, start, count)


@pytest.fixture
def pair():
    """Two ends of a loopback TCP connection, both blocking: MSG_DONTWAIT is enough."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    yield near, far
    near.close()
    far.close()


def test_bytes_arrive_where_they_should(pair):
    near, far = pair
    source = np.frombuffer(b"..hello..", np.uint8)
    target = np.zeros(16, np.uint8)
    assert take(far.fileno(), target, 0, 16) == WOULD_BLOCK
    assert give(near.fileno(), source, 2, 5) == 5
    far.recv(1, socket.MSG_PEEK)
    assert take(far.fileno(), target, 3, 4) == 4
    assert take(far.fileno(), target, 7, 9) == 1
    assert target.tobytes() == b"\0\0\0hello\0\0\0\0\0\0\0\0"


def test_a_full_socket_takes_a_part_then_says_so(pair):
    near, _ = pair
    source = np.zeros(1 << 20, np.uint8)
    taken = [give(near.fileno(), source, 0, len(source)) for _ in range(64)]
    assert taken[-1] == WOULD_BLOCK and any(0 < n < len(source) for n in taken)


def test_a_closed_peer_is_zero_then_an_error_without_signal(pair):
    near, far = pair
    far.close()
    target = np.zeros(8, np.uint8)
    near.recv(1, socket.MSG_PEEK)
    assert take(near.fileno(), target, 0, 8) == CLOSED
    errors = [give(near.fileno(), target, 0, 8) for _ in range(50)]
    assert errors[-1] in (-errno.EPIPE, -errno.ECONNRESET)


def test_what_is_not_a_socket():
    assert take(999_999, np.zeros(8, np.uint8), 0, 8) == -errno.EBADF


SCRIPT = """
import json, sys, socket
import numpy as np
from test_socket_io import take, give
a, b = socket.socketpair()
n = give(a.fileno(), np.frombuffer(b"abc", np.uint8), 0, 3)
m = take(b.fileno(), np.zeros(8, np.uint8), 0, 8)
k = take(b.fileno(), np.zeros(8, np.uint8), 0, 8)
print(json.dumps([n, m, k, sum(take.stats.cache_hits.values()),
                  sum(take.stats.cache_misses.values())]))
"""


@pytest.mark.skipif(JIT_DISABLED, reason="nothing is compiled")
def test_it_is_cached(tmp_path):
    env = os.environ | {
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    runs = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", SCRIPT], env=env, check=True, capture_output=True
            ).stdout
        )
        for _ in range(2)
    ]
    assert [run[:3] for run in runs] == [[3, 3, -11]] * 2
    assert runs[0][3:] == [0, 1] and runs[1][3:] == [1, 0]
