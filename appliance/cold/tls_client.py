"""Cold: a TLS connection whose OpenSSL objects are ours, handshaken and verified, for tls_io.py.

The chain is verified against the system's certificates, or a file of others besides; the host name
(or address) against the certificate. TLS 1.2 at least, no renegotiation, no compression.
"""

import ctypes
import ipaddress
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.cold.tls_library import address, last_errors, library
from appliance.hot.wire import tls_io

_MODE: Final = 33  # SSL_CTRL_MODE
_PARTIAL_WRITE_MOVING_BUFFER: Final = 1 | 2
_MIN_VERSION: Final = 123
_TLS_1_2: Final = 0x0303
_SERVER_NAME: Final = 55
_VERIFY_PEER: Final = 1
_NO_COMPRESSION_NO_RENEGOTIATION: Final = 1 << 17 | 1 << 30
_NO_PARTIAL_WILDCARDS: Final = 4
_WANT_READ: Final = 2
_ZERO_RETURN: Final = 6
_FUNCTIONS: Final = {
    tls_io.SSL_READ: "SSL_read",
    tls_io.SSL_WRITE: "SSL_write",
    tls_io.SSL_GET_ERROR: "SSL_get_error",
    tls_io.NREAD0: "BIO_nread0",
    tls_io.NREAD: "BIO_nread",
    tls_io.NWRITE0: "BIO_nwrite0",
    tls_io.NWRITE: "BIO_nwrite",
    tls_io.PENDING: "BIO_ctrl_pending",
    tls_io.CLEAR_ERRORS: "ERR_clear_error",
}


class TlsRefused(Exception):
    """The handshake failed, or the peer is not who it should be."""


class TlsContext:
    """What connections have in common."""

    def __init__(self, extra_ca: Path | None = None, *, system_ca: bool = True) -> None:
        crypto = library()
        self.pointer = crypto.SSL_CTX_new(crypto.TLS_client_method())
        if not self.pointer:
            raise TlsRefused(last_errors())
        crypto.SSL_CTX_ctrl(self.pointer, _MODE, _PARTIAL_WRITE_MOVING_BUFFER, None)
        crypto.SSL_CTX_ctrl(self.pointer, _MIN_VERSION, _TLS_1_2, None)
        crypto.SSL_CTX_set_options(self.pointer, _NO_COMPRESSION_NO_RENEGOTIATION)
        crypto.SSL_CTX_set_verify(self.pointer, _VERIFY_PEER, None)
        if system_ca and crypto.SSL_CTX_set_default_verify_paths(self.pointer) != 1:
            raise TlsRefused(f"the system's certificates: {last_errors()}")
        if extra_ca is not None:
            path = os.fsencode(extra_ca)
            if crypto.SSL_CTX_load_verify_locations(self.pointer, path, None) != 1:
                raise TlsRefused(f"{extra_ca}: {last_errors()}")

    def __del__(self) -> None:
        if getattr(self, "pointer", None):
            library().SSL_CTX_free(self.pointer)


@dataclass
class TlsConnection:
    """One connection: ``tls`` is what the hot loop gets; ``close`` only after it has let go."""

    tls: tls_io.Tls
    context: TlsContext

    @property
    def version(self) -> str:
        return str(library().SSL_get_version(int(self.tls.words[tls_io.SSL])), "ascii")

    def send(self, connection: socket.socket, data: bytes) -> None:
        """All of ``data``: for the opening handshake, before the hot loop gets the connection."""
        crypto = library()
        crypto.ERR_clear_error()
        words = self.tls.words
        for start in range(0, len(data), tls_io.RECORD_BYTES_MAX):
            part = data[start : start + tls_io.RECORD_BYTES_MAX]
            if crypto.SSL_write(int(words[tls_io.SSL]), part, len(part)) != len(part):
                raise TlsRefused(_why(crypto, int(words[tls_io.SSL])))
            _send_records(crypto, int(words[tls_io.BIO]), connection)

    def receive(self, connection: socket.socket, count: int) -> bytes:
        """1 to ``count`` bytes, or none when the peer has closed: as ``send``.

        What belongs to a frame already goes to the reader: its ``data``, and ``received``.
        """
        crypto = library()
        ssl, bio = int(self.tls.words[tls_io.SSL]), int(self.tls.words[tls_io.BIO])
        buffer = ctypes.create_string_buffer(count)
        while True:
            crypto.ERR_clear_error()
            got = crypto.SSL_read(ssl, buffer, count)
            if got > 0:
                return buffer.raw[:got]
            why = crypto.SSL_get_error(ssl, got)
            if why == _ZERO_RETURN:
                return b""
            if why != _WANT_READ:
                raise TlsRefused(_why(crypto, ssl))
            _send_records(crypto, bio, connection)
            _receive_records(crypto, bio, connection)

    def close(self) -> None:
        words = self.tls.words
        if words[tls_io.SSL]:
            library().SSL_free(int(words[tls_io.SSL]))  # with its end of the pair
            library().BIO_free(int(words[tls_io.BIO]))
            words[:] = 0


def handshake(context: TlsContext, connection: socket.socket, host: str) -> TlsConnection:
    """TLS as a client over a connected socket, within the socket's time-out all in all.

    ``host``: the name or address that the certificate must bear; a name is sent as SNI, too.
    TlsRefused: the peer is not ``host``, or speaks no TLS. OSError, TimeoutError: the socket's.
    """
    crypto = library()
    words = np.zeros(tls_io.WORDS, np.int64)
    ends = (ctypes.c_void_p(), ctypes.c_void_p())
    size = tls_io.RING_BYTES
    ssl = crypto.SSL_new(context.pointer)
    if not ssl:
        raise TlsRefused(last_errors())
    if crypto.BIO_new_bio_pair(ctypes.byref(ends[0]), size, ctypes.byref(ends[1]), size) != 1:
        crypto.SSL_free(ssl)
        raise TlsRefused(last_errors())
    crypto.SSL_set_bio(ssl, ends[0], ends[0])
    words[tls_io.SSL] = ssl
    words[tls_io.INNER_BIO], words[tls_io.BIO] = (end.value or 0 for end in ends)
    for word, name in _FUNCTIONS.items():
        words[word] = address(name)
    made = TlsConnection(tls_io.Tls(words), context)
    try:
        _expect(crypto, ssl, host)
        crypto.SSL_set_connect_state(ssl)
        _exchange(crypto, ssl, made.tls, connection)
    except BaseException:
        made.close()
        raise
    words[tls_io.MORE] = 1  # tickets or data may have come with the handshake
    return made


def _expect(crypto: Any, ssl: int, host: str) -> None:
    """Have OpenSSL verify the certificate's name, and send the name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        name = _name_bytes(host)
        crypto.SSL_set_hostflags(ssl, _NO_PARTIAL_WILDCARDS)
        good = crypto.SSL_set1_host(ssl, name) and crypto.SSL_ctrl(ssl, _SERVER_NAME, 0, name)
    else:
        parameters = crypto.SSL_get0_param(ssl)
        good = crypto.X509_VERIFY_PARAM_set1_ip_asc(parameters, host.encode())
    if not good:
        raise TlsRefused(f"{host}: no name that a certificate could have")


def _name_bytes(host: str) -> bytes:
    try:
        name = host.encode("idna")
    except UnicodeError:
        name = b""
    if not name or b"\0" in name:  # an empty name would switch the check off
        raise TlsRefused(f"{host!r}: no name that a certificate could have")
    return name


def _exchange(crypto: Any, ssl: int, tls: tls_io.Tls, connection: socket.socket) -> None:
    """The handshake, over the socket's sendall and recv."""
    time_out_s = connection.gettimeout()
    deadline_s = None if time_out_s is None else time.monotonic() + time_out_s
    bio = int(tls.words[tls_io.BIO])
    try:
        while True:
            crypto.ERR_clear_error()
            result = crypto.SSL_do_handshake(ssl)
            _send_records(crypto, bio, connection)
            if result == 1:
                break
            if crypto.SSL_get_error(ssl, result) != _WANT_READ:
                raise TlsRefused(_why(crypto, ssl))
            if deadline_s is not None:
                connection.settimeout(max(deadline_s - time.monotonic(), 0.001))
            _receive_records(crypto, bio, connection)
    finally:
        connection.settimeout(time_out_s)
    if crypto.SSL_get_verify_result(ssl) != 0:
        raise TlsRefused(_why(crypto, ssl))


def _send_records(crypto: Any, bio: int, connection: socket.socket) -> None:
    pointer = ctypes.c_void_p()
    while (ready := crypto.BIO_nread0(bio, ctypes.byref(pointer))) > 0:
        connection.sendall(ctypes.string_at(pointer.value or 0, ready))
        crypto.BIO_nread(bio, ctypes.byref(pointer), ready)


def _receive_records(crypto: Any, bio: int, connection: socket.socket) -> None:
    pointer = ctypes.c_void_p()
    room = crypto.BIO_nwrite0(bio, ctypes.byref(pointer))
    data = connection.recv(room)
    if not data:
        raise TlsRefused("the peer closed the connection")
    ctypes.memmove(pointer.value or 0, data, len(data))
    crypto.BIO_nwrite(bio, ctypes.byref(pointer), len(data))


def _why(crypto: Any, ssl: int) -> str:
    result = crypto.SSL_get_verify_result(ssl)
    said = last_errors() or "TLS failed"
    return crypto.X509_verify_cert_error_string(result).decode() if result else said
