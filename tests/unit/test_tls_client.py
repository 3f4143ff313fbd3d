"""Whom the TLS client trusts: Python's ``ssl`` is the server, certificates are made anew."""

import socket
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.cold.tls_client import TlsConnection, TlsContext, TlsRefused, handshake
from tests.strategies.authority import CLIENT_AUTH, DAY, HOST, Authority
from tests.strategies.loopback import WAIT_S, Loopback


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module")
def context(authority: Authority) -> TlsContext:
    return TlsContext(authority.file)


def echo(connection: socket.socket) -> None:
    while data := connection.recv(65536):
        connection.sendall(data)


def connected(server: Loopback, timeout_s: float = WAIT_S) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout_s)


def refusal(over: ssl.SSLContext, context: TlsContext, host: str = HOST) -> str:
    """Why the client does not go on with such a server."""
    with (
        Loopback(echo, over) as server,
        connected(server) as near,
        pytest.raises(TlsRefused) as caught,
    ):
        handshake(context, near, host)
    line = str(caught.value)
    assert line and line.isprintable()
    return line


def said_back(made: TlsConnection, near: socket.socket, data: bytes) -> bytes:
    made.send(near, data)
    got = b""
    while len(got) < len(data):
        more = made.receive(near, 4096)
        assert more, "the server closed"
        got += more
    return got


@pytest.mark.parametrize("host", [HOST, "localhost", "127.0.0.1", "VENUE.example"])
def test_a_name_or_address_of_the_certificate(
    authority: Authority, context: TlsContext, host: str
) -> None:
    with Loopback(echo, authority.server()) as server, connected(server) as near:
        made = handshake(context, near, host)
        try:
            assert made.version == "TLSv1.3"
            assert said_back(made, near, b"hello") == b"hello"
        finally:
            made.close()
    named = None if host == "127.0.0.1" else host
    assert server.names == [named]


@pytest.mark.parametrize("size", [1, 16_384, 16_385, 200_000])
def test_bytes_of_any_number_come_back(
    authority: Authority, context: TlsContext, size: int
) -> None:
    data = bytes(i * 7 % 251 for i in range(size))
    with Loopback(echo, authority.server()) as server, connected(server) as near:
        made = handshake(context, near, HOST)
        try:
            got = b"".join(said_back(made, near, data[i : i + 8192]) for i in range(0, size, 8192))
        finally:
            made.close()
    assert got == data


@pytest.mark.parametrize(
    ("options", "host", "why"),
    [
        ({}, "other.example", "hostname mismatch"),
        ({}, "sub.venue.example", "hostname mismatch"),
        ({}, "example", "hostname mismatch"),
        ({}, "127.0.0.2", "IP address mismatch"),
        ({"names": ["127.0.0.1.example"]}, "127.0.0.1", "IP address mismatch"),
        ({"names": ["*.venue.example"]}, "a.b.venue.example", "hostname mismatch"),
        ({"names": ["s*.venue.example"]}, "stream.venue.example", "hostname mismatch"),
        ({"self_signed": True}, HOST, "self-signed certificate"),
        ({"start": -3 * DAY}, HOST, "certificate has expired"),
        ({"start": DAY}, HOST, "certificate is not yet valid"),
        ({"start": timedelta(days=-2, seconds=-5)}, HOST, "certificate has expired"),
        ({"usage": CLIENT_AUTH}, HOST, "purpose"),
    ],
)
def test_who_is_refused(
    authority: Authority, context: TlsContext, options: dict[str, Any], host: str, why: str
) -> None:
    assert why.lower() in refusal(authority.server(**options), context, host).lower()


def test_a_wildcard_stands_for_one_label(authority: Authority, context: TlsContext) -> None:
    with Loopback(echo, authority.server([f"*.{HOST}"])) as server, connected(server) as near:
        handshake(context, near, f"stream.{HOST}").close()


def test_an_authority_that_nobody_named(authority: Authority, folder: Path) -> None:
    stranger = Authority(folder, "stranger")
    over = authority.server()
    for unknowing in (TlsContext(), TlsContext(stranger.file), TlsContext(system_ca=False)):
        assert "unable to get local issuer" in refusal(over, unknowing)


def test_one_of_the_same_name_but_with_another_key(authority: Authority, folder: Path) -> None:
    (folder / "other").mkdir()
    double = Authority(folder / "other")
    assert "signature failure" in refusal(authority.server(), TlsContext(double.file))


def test_the_system_s_authorities_count_besides(
    authority: Authority, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE is where OpenSSL then finds the system's."""
    system = Authority(folder, "system")
    monkeypatch.setenv("SSL_CERT_FILE", str(system.file))
    both, alone = TlsContext(authority.file), TlsContext(authority.file, system_ca=False)
    for own in (authority, system):
        with Loopback(echo, own.server()) as server, connected(server) as near:
            handshake(both, near, HOST).close()
    assert "unable to get local issuer" in refusal(system.server(), alone)


@pytest.mark.parametrize("content", [b"", b"no certificate", None])
def test_a_file_of_authorities_that_is_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TlsRefused) as caught:
        TlsContext(path)
    assert str(caught.value).startswith(f"{path}: ") and str(caught.value).isprintable()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_a_server_of_yesterday(authority: Authority, context: TlsContext) -> None:
    over = authority.server()
    over.minimum_version = ssl.TLSVersion.TLSv1
    over.maximum_version = ssl.TLSVersion.TLSv1_1
    over.set_ciphers("ALL:@SECLEVEL=0")
    assert "version" in refusal(over, context)


def test_peers_that_speak_no_tls(context: TlsContext) -> None:
    def plain(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    def gone(connection: socket.socket) -> None:
        connection.recv(65536)

    for serve, why in ((plain, "wrong version number"), (gone, "closed the connection")):
        with (
            Loopback(serve) as server,
            connected(server) as near,
            pytest.raises(TlsRefused, match=why),
        ):
            handshake(context, near, HOST)


def test_a_peer_that_says_nothing(context: TlsContext) -> None:
    def silent(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with (
        Loopback(silent) as server,
        connected(server, 0.2) as near,
        pytest.raises(TimeoutError),
    ):
        handshake(context, near, HOST)


def test_the_end_of_a_connection(authority: Authority, context: TlsContext) -> None:
    """An end that was announced is an end; one that was not is told from it."""

    def polite(connection: Any) -> None:
        connection.sendall(b"bye")
        connection.unwrap()

    def rude(connection: Any) -> None:
        connection.sendall(b"bye")
        socket.socket.shutdown(connection, socket.SHUT_WR)
        connection.recv(1)

    for serve in (polite, rude):
        with Loopback(serve, authority.server()) as server, connected(server) as near:
            made = handshake(context, near, HOST)
            try:
                assert made.receive(near, 100) == b"bye"
                if serve is polite:
                    assert made.receive(near, 100) == b""
                else:
                    with pytest.raises(TlsRefused, match="closed the connection"):
                        made.receive(near, 100)
            finally:
                made.close()
