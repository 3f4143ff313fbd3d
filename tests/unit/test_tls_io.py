"""TLS from compiled code against Python's own ``ssl`` as the server."""

import os
import socket
import ssl
import threading

import numpy as np
import pytest

from appliance.cold.tls_client import TlsConnection, TlsContext, TlsRefused, handshake
from appliance.hot.jit import hot
from appliance.hot.wire.socket_io import CLOSED, WOULD_BLOCK
from appliance.hot.wire.tls_io import (
    TLS_BROKEN,
    tls_flush,
    tls_receive,
    tls_send,
    tls_unsent_bytes,
)
from tests.strategies.tls_peer import HOST, Peer, make_certificates


@hot
def take(tls, fd, target, start, count):
    return tls_receive(tls, fd, target, start, count)


@hot
def give(tls, fd, source, start, count):
    return tls_send(tls, fd, source, start, count)


@hot
def flush(tls, fd):
    return tls_flush(tls, fd)


@hot
def unsent(tls):
    return tls_unsent_bytes(tls)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


def connect(context, peer, host=HOST):
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname(), timeout=10)
        far, _ = server.accept()
    far.settimeout(10)
    thread = threading.Thread(target=peer.shake, args=(far,))
    thread.start()
    try:
        return handshake(context, near, host), near, far
    except BaseException:
        near.close()
        far.close()
        raise
    finally:
        thread.join()


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2], ids=["1.3", "1.2"])
def link(request, certificates):
    peer = Peer(certificates, version=request.param)
    made, near, far = connect(TlsContext(certificates / "ca.pem"), peer)
    yield made, near, far, peer
    made.close()
    near.close()
    far.close()


def wait(near):
    """Until something has arrived."""
    near.recv(1, socket.MSG_PEEK)


def all_of(made, near, wanted):
    target, got = np.zeros(wanted + 8, np.uint8), 0
    for _ in range(100_000):
        said = take(made.tls, near.fileno(), target, got, wanted + 8 - got)
        if said == WOULD_BLOCK and got >= wanted:
            break
        assert said == WOULD_BLOCK or said > 0
        got += max(said, 0)
    return target[:got].tobytes()


def test_bytes_both_ways(link):
    made, near, far, peer = link
    assert made.version in ("TLSv1.3", "TLSv1.2")
    assert peer.sni == HOST
    target = np.zeros(64, np.uint8)
    assert take(made.tls, near.fileno(), target, 0, 64) == WOULD_BLOCK
    far.sendall(peer.records(b"hello"))
    wait(near)
    assert take(made.tls, near.fileno(), target, 2, 62) == 5
    assert target[:9].tobytes() == b"\0\0hello\0\0"
    assert take(made.tls, near.fileno(), target, 0, 64) == WOULD_BLOCK
    source = np.frombuffer(b"..order..", np.uint8)
    assert give(made.tls, near.fileno(), source, 2, 5) == 5
    assert unsent(made.tls) == 0
    assert peer.understand(far.recv(65536)) == b"order"


def test_half_a_record_waits(link):
    made, near, far, peer = link
    data = peer.records(b"abc") + peer.records(b"defg")
    target, got = np.zeros(64, np.uint8), b""
    all_of(made, near, 0)
    for i in range(len(data)):
        far.sendall(data[i : i + 1])
        wait(near)
        said = take(made.tls, near.fileno(), target, 0, 64)
        if said != WOULD_BLOCK:
            got += target[:said].tobytes()
    assert got == b"abcdefg"


def test_many_records_at_once_into_little_room(link):
    made, near, far, peer = link
    data = os.urandom(200_000)
    stream = b"".join(peer.records(data[i : i + 7001]) for i in range(0, len(data), 7001))
    sender = threading.Thread(target=far.sendall, args=(stream,))
    sender.start()
    target, got = np.zeros(999, np.uint8), b""
    for _ in range(10_000_000):
        said = take(made.tls, near.fileno(), target, 0, 999)
        assert said == WOULD_BLOCK or said > 0
        got += target[: max(said, 0)].tobytes()
        if len(got) == len(data):
            break
    sender.join()
    assert got == data


def test_a_slow_peer_takes_records_whole(link):
    made, near, far, peer = link
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    data = np.frombuffer(os.urandom(16_384), np.uint8)
    taken = []
    while (said := give(made.tls, near.fileno(), data, 0, len(data))) > 0:
        taken.append(said)
        assert len(taken) < 10_000
    assert said == WOULD_BLOCK and unsent(made.tls) > 0
    far.settimeout(0.05)
    got = b""
    for _ in range(100_000):
        flush(made.tls, near.fileno())
        try:
            got += peer.understand(far.recv(65536))
        except TimeoutError:
            if not unsent(made.tls):
                break
    assert got == data.tobytes() * len(taken)


def test_a_forged_record_breaks_the_connection(link):
    made, near, far, peer = link
    data = bytearray(peer.records(b"hello"))
    data[-1] ^= 1
    all_of(made, near, 0)
    far.sendall(bytes(data))
    wait(near)
    target = np.zeros(64, np.uint8)
    assert take(made.tls, near.fileno(), target, 0, 64) == TLS_BROKEN
    assert unsent(made.tls) > 0  # an alert, which says so to the peer
    assert flush(made.tls, near.fileno()) > 0


def test_what_is_no_record_breaks_the_connection(link):
    made, near, far, _peer = link
    all_of(made, near, 0)
    far.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    wait(near)
    assert take(made.tls, near.fileno(), np.zeros(64, np.uint8), 0, 64) == TLS_BROKEN


def test_close_notify_and_a_bare_end(link):
    made, near, far, peer = link
    all_of(made, near, 0)
    data = peer.records(b"last")
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.unwrap()
    far.sendall(data + peer.out.read())
    far.close()
    wait(near)
    target = np.zeros(64, np.uint8)
    assert take(made.tls, near.fileno(), target, 0, 64) == 4
    assert take(made.tls, near.fileno(), target, 0, 64) == CLOSED


def test_the_opening_handshake_goes_the_same_way(link):
    made, near, far, peer = link
    made.send(near, b"GET / HTTP/1.1\r\n\r\n")
    assert peer.understand(far.recv(65536)) == b"GET / HTTP/1.1\r\n\r\n"
    far.sendall(peer.records(b"HTTP/1.1 101\r\n\r\n" + b"frame") + peer.records(b"more"))
    assert made.receive(near, 16) == b"HTTP/1.1 101\r\n\r\n"
    assert all_of(made, near, 9) == b"framemore"


@pytest.mark.parametrize(
    ("name", "host", "why"),
    [
        ("self", HOST, "self-signed"),
        ("server", "other.example", "[Hh]ostname mismatch"),
        ("server", "127.0.0.2", "IP address mismatch"),
        ("server", "", "no name"),
        ("server", "a..b", "no name"),
    ],
)
def test_the_wrong_peer_is_refused(certificates, name, host, why):
    with pytest.raises(TlsRefused, match=why):
        connect(TlsContext(certificates / "ca.pem"), Peer(certificates, name), host)


def test_a_private_ca_is_unknown_unless_configured(certificates):
    with pytest.raises(TlsRefused, match=r"local issuer|self-signed"):
        connect(TlsContext(), Peer(certificates))
    with pytest.raises(TlsRefused, match="none"):
        TlsContext(certificates / "none.pem")


def test_an_address_is_verified_as_one(certificates):
    made, near, far = connect(TlsContext(certificates / "ca.pem"), Peer(certificates), "127.0.0.1")
    assert isinstance(made, TlsConnection)
    made.close()
    made.close()
    near.close()
    far.close()


def test_no_tls_at_all_is_refused(certificates):
    class Plain(Peer):
        def shake(self, connection):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with pytest.raises(TlsRefused, match="wrong version"):
        connect(TlsContext(certificates / "ca.pem"), Plain(certificates))
