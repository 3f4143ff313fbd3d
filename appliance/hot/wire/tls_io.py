"""TLS on our own system calls: OpenSSL works on memory, recv and send stay ours.

    recv ─► [ring of the BIO pair] ─► SSL_read ─► plain bytes
    plain bytes ─► SSL_write ─► [ring of the BIO pair] ─► send

An empty pass costs one recv and no call of OpenSSL. Half a record waits in the ring. OpenSSL's
functions are called by address (foreign.py); cold code has done the handshake (tls_client.py) and
has not touched the connection since.

``tls_receive`` and ``tls_send`` return what ``receive`` and ``send`` do: bytes, CLOSED, -errno; and
``TLS_BROKEN`` when the connection must be given up (a forged record, an alert).
"""

from typing import Final, NamedTuple

import numpy as np

from appliance.hot.jit import hot, hot_inline
from appliance.hot.wire.foreign import address_of, call_int, call_word
from appliance.hot.wire.socket_io import CLOSED, WOULD_BLOCK, receive_at, send_at

TLS_BROKEN: Final = -1000  # no errno is as far down

RECORD_BYTES_MAX: Final = 16 * 1024  # of plain bytes
RING_BYTES: Final = 64 * 1024  # each way; a record and its overhead fit many times

# Words
SSL: Final = 0  # SSL *
BIO: Final = 1  # our end of the pair
SSL_READ, SSL_WRITE, SSL_GET_ERROR = 2, 3, 4  # addresses of functions
NREAD0, NREAD, NWRITE0, NWRITE, PENDING, CLEAR_ERRORS = 5, 6, 7, 8, 9, 10
INNER_BIO: Final = 11  # OpenSSL's end
POINTER: Final = 12  # scratch
MORE: Final = 13  # not 0: bytes that SSL_read may turn into plain ones are there already
FILLED: Final = 14  # 1: the last recv took as much as there was room for
WORDS: Final = 16

_SSL_ERROR_WANT_READ: Final = 2
_SSL_ERROR_ZERO_RETURN: Final = 6


class Tls(NamedTuple):
    words: np.ndarray  # int64[WORDS]


@hot_inline
def tls_receive(tls: Tls, socket: int, target: np.ndarray, start: int, count: int) -> int:
    """Plain bytes to ``target[start:]``, ``count`` at most; one recv at most."""
    words = tls.words
    if words[MORE] != 0:
        got = _read(words, target, start, count)
        if got != WOULD_BLOCK:
            return got
    pointer = address_of(words, POINTER)
    room = call_int(words[NWRITE0], words[BIO], pointer)
    if room <= 0:
        return TLS_BROKEN  # a ring full of what is no record
    got = receive_at(socket, words[POINTER], room)
    if got <= 0:
        return got
    words[FILLED] = np.int64(got == room)
    call_int(words[NWRITE], words[BIO], pointer, got)
    return _read(words, target, start, count)


@hot
def _read(words: np.ndarray, target: np.ndarray, start: int, count: int) -> int:
    got = 0
    call_int(words[CLEAR_ERRORS])  # what others left on this thread would be taken for ours
    while got < count:
        n = call_int(words[SSL_READ], words[SSL], address_of(target, start + got), count - got)
        if n <= 0:
            return _said(words, n, got)
        got += n
        if got < count and call_word(words[PENDING], words[INNER_BIO]) == 0:
            # Each SSL_read empties its record if there is room: nothing is left anywhere.
            words[MORE] = 0
            return got
    words[MORE] = 1
    return got


@hot
def _said(words: np.ndarray, returned: int, got: int) -> int:
    """What a failed SSL_read means, after ``got`` bytes were read before it."""
    words[MORE] = 0
    why = call_int(words[SSL_GET_ERROR], words[SSL], returned)
    if why == _SSL_ERROR_WANT_READ:
        return got if got > 0 else WOULD_BLOCK
    if got > 0:
        words[MORE] = 1  # it will say so again
        return got
    call_int(words[CLEAR_ERRORS])
    return CLOSED if why == _SSL_ERROR_ZERO_RETURN else TLS_BROKEN


@hot_inline
def tls_has_more(tls: Tls) -> bool:
    """Whether the last ``tls_receive`` left something that had already come."""
    return tls.words[FILLED] != 0 or tls.words[MORE] != 0


@hot_inline
def tls_unsent_bytes(tls: Tls) -> int:
    """Bytes of records that the kernel did not take yet: ``tls_flush`` until there are none."""
    return call_word(tls.words[PENDING], tls.words[BIO])


@hot
def tls_flush(tls: Tls, socket: int) -> int:
    """Send what records are there: how many bytes the kernel took, or -errno."""
    words = tls.words
    pointer = address_of(words, POINTER)
    done = 0
    # Two pieces at most: the ring wraps once.
    for _ in range(2):
        ready = call_int(words[NREAD0], words[BIO], pointer)
        if ready <= 0:
            break
        taken = send_at(socket, words[POINTER], ready)
        if taken < 0:
            return done if done > 0 else taken
        call_int(words[NREAD], words[BIO], pointer, taken)
        done += taken
        if taken < ready:
            break
    return done


@hot
def tls_send(tls: Tls, socket: int, source: np.ndarray, start: int, count: int) -> int:
    """Plain bytes ``source[start:]`` as one record; how many were taken, or -errno.

    What was taken is sent at once, or as soon as the kernel takes it: ``tls_flush`` (each pass,
    while ``tls_unsent_bytes``). Nothing is taken while a record waits: WOULD_BLOCK.
    """
    words = tls.words
    if tls_unsent_bytes(tls) > 0:
        flushed = tls_flush(tls, socket)
        if flushed < 0:
            return flushed
        if tls_unsent_bytes(tls) > 0:
            return WOULD_BLOCK
    count = min(count, RECORD_BYTES_MAX)
    taken = call_int(words[SSL_WRITE], words[SSL], address_of(source, start), count)
    if taken <= 0:
        call_int(words[CLEAR_ERRORS])
        return TLS_BROKEN
    flushed = tls_flush(tls, socket)
    return flushed if flushed < 0 and flushed != WOULD_BLOCK else taken
