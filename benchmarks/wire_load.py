"""The load generator: sends a frame, waits for the order's frame, in compiled code of its own."""

import ctypes
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
from websockets.frames import Frame, Opcode

from appliance.cold.clock import calibrate_cycles
from appliance.cold.tls_client import _FUNCTIONS, _receive_records, _send_records
from appliance.cold.tls_library import address, library
from appliance.hot.cpu import cycles
from appliance.hot.jit import hot
from appliance.hot.wire import tls_io
from appliance.hot.wire.socket_io import receive, send
from appliance.hot.wire.tls_io import Tls, tls_receive, tls_send

ROOT = Path(__file__).resolve().parents[1]
SPINS_MAX = 200_000_000
ANSWER_ROOM = 4096


@hot
def exchange(
    market, orders, market_tls, orders_tls, is_tls, data, starts, lengths, first, out, room
):
    """Each frame from ``first`` on, one after the other: round trip in cycles into ``out``. How
    many came back; ``room``: uint8 scratch that holds the last answer."""
    for i in range(out.shape[0]):
        start = starts[first + i]
        length = lengths[first + i]
        began = cycles()
        if is_tls:
            taken = tls_send(market_tls, market, data, start, length)
        else:
            taken = send(market, data, start, length)
        if taken != length:
            return i
        got = 0
        for _ in range(SPINS_MAX):
            if is_tls:
                n = tls_receive(orders_tls, orders, room, got, ANSWER_ROOM - got)
            else:
                n = receive(orders, room, got, ANSWER_ROOM - got)
            if n == 0:
                return i
            if n > 0:
                got += n
                if got >= 4:
                    whole = 8 + (np.int64(room[2]) << 8 | np.int64(room[3]))
                    if got >= whole:
                        break
        out[i] = cycles() - began
    return out.shape[0]


class Frames:
    """Many frames in one array, as the venue sends them: whole, unmasked."""

    def __init__(self, make, count):
        wire = [Frame(Opcode.TEXT, make(n)).serialize(mask=False) for n in range(count)]
        self.data = np.frombuffer(b"".join(wire), np.uint8).copy()
        self.lengths = np.array([len(frame) for frame in wire], np.int64)
        self.starts = np.concatenate(([0], np.cumsum(self.lengths)[:-1])).astype(np.int64)


class TlsServer:
    """The server's end of one TLS connection, for compiled code."""

    def __init__(self, connection, certificate, key):
        crypto = library()
        crypto.SSL_CTX_use_certificate_file.argtypes = (
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_int,
        )
        crypto.SSL_CTX_use_PrivateKey_file.argtypes = (
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_int,
        )
        crypto.SSL_set_accept_state.argtypes = (ctypes.c_void_p,)
        crypto.SSL_set_accept_state.restype = None
        context = crypto.SSL_CTX_new(crypto.TLS_server_method())
        assert crypto.SSL_CTX_use_certificate_file(context, os.fsencode(certificate), 1) == 1
        assert crypto.SSL_CTX_use_PrivateKey_file(context, os.fsencode(key), 1) == 1
        pointer = crypto.SSL_new(context)
        inner, outer = ctypes.c_void_p(), ctypes.c_void_p()
        size = tls_io.RING_BYTES
        assert crypto.BIO_new_bio_pair(ctypes.byref(inner), size, ctypes.byref(outer), size) == 1
        crypto.SSL_set_bio(pointer, inner, inner)
        crypto.SSL_set_accept_state(pointer)
        words = np.zeros(tls_io.WORDS, np.int64)
        words[tls_io.SSL], words[tls_io.INNER_BIO], words[tls_io.BIO] = (
            pointer,
            inner.value,
            outer.value,
        )
        for word, name in _FUNCTIONS.items():
            words[word] = address(name)
        connection.settimeout(10)
        while True:
            done = crypto.SSL_do_handshake(pointer)
            _send_records(crypto, int(outer.value), connection)
            if done == 1:
                break
            _receive_records(crypto, int(outer.value), connection)
        words[tls_io.MORE] = 1
        self.tls = Tls(words)


class Peer:
    """One device under test, connected: its market data and its orders."""

    def __init__(self, command, core, certificates=None):
        """``command(port)``: what to start; on ``core``; TLS with a folder of certificates."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            self.process = subprocess.Popen(
                command(port),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            if core is not None:
                os.sched_setaffinity(self.process.pid, {core})
            server.settimeout(180)
            self.connections = []
            self.tls = [Tls(np.zeros(tls_io.WORDS, np.int64)) for _ in range(2)]
            for n in range(2):
                connection, _ = server.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections.append(connection)
                if certificates is not None:
                    made = TlsServer(
                        connection, certificates / "server.pem", certificates / "server.key"
                    )
                    self.tls[n] = made.tls
        for connection in self.connections:
            connection.setblocking(False)
        self.is_tls = certificates is not None
        self.next = 0
        self.room = np.zeros(ANSWER_ROOM, np.uint8)
        self.mult, self.shift = calibrate_cycles()

    def round_trips_ns(self, frames, count):
        """``count`` more frames, one at a time; AssertionError if one has no answer."""
        out = np.zeros(count, np.int64)
        market, orders = (c.fileno() for c in self.connections)
        done = exchange(
            market,
            orders,
            *self.tls,
            self.is_tls,
            frames.data,
            frames.starts,
            frames.lengths,
            self.next,
            out,
            self.room,
        )
        assert done == count, f"frame {self.next + done} had no answer"
        self.next += count
        return (out * self.mult) >> self.shift

    def answer_bytes(self):
        """Length of the last answer's frame."""
        return 8 + (int(self.room[2]) << 8 | int(self.room[3]))

    def line(self):
        return self.process.stdout.readline().strip()

    def tell(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.line()

    def close(self):
        for connection in self.connections:
            connection.close()
        self.process.stdin.close()
        with self.process.stdout:
            said = self.process.stdout.read()
        self.process.wait(20)
        return said


def loop_command(core, *tls):
    return lambda port: [sys.executable, "-m", "benchmarks.wire_loop", str(port), str(core), *tls]
