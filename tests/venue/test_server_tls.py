"""TLS: who trusts the venue's CA is served, and nobody else."""

import json
import socket
import ssl
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from websockets.sync.client import connect

from appliance.cold.venue.server import VenueSettings
from tests.venue.running_venue import WAIT_S, RunningVenue


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def venue(folder: Path) -> Iterator[RunningVenue]:
    settings = VenueSettings(keys_dir=folder / "keys", tls_dir=folder, actions_per_s=100)
    with RunningVenue(settings) as running:
        yield running


def trusting(venue: RunningVenue) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=venue.ready["ca"])


def test_every_url_is_of_tls(venue: RunningVenue) -> None:
    ready = venue.ready
    urls = [ready[m][kind] for m in ("spot", "usdm") for kind in ("rest", "streams", "ws_api")]
    assert {url.partition(":")[0] for url in urls} == {"https", "wss"}
    assert ready["admin"].startswith("https:")


def test_rest_and_streams_for_those_who_trust_it(venue: RunningVenue) -> None:
    url = f"{venue.ready['spot']['rest']}/api/v3/ping"
    with urllib.request.urlopen(url, context=trusting(venue), timeout=WAIT_S) as reply:
        assert (reply.status, json.load(reply)) == (200, {})
    for url in (
        f"{venue.ready['spot']['streams']}/ws/btcusdt@trade",
        f"{venue.ready['usdm']['streams']}/public/ws/btcusdt@trade",
    ):
        with connect(url, ssl=trusting(venue), open_timeout=WAIT_S) as client:
            assert json.loads(client.recv(WAIT_S))["e"] == "trade"
    with connect(venue.ready["spot"]["ws_api"], ssl=trusting(venue)) as client:
        client.send('{"id":1,"method":"ping"}')
        assert json.loads(client.recv(WAIT_S))["result"] == {}


def test_nobody_else(venue: RunningVenue) -> None:
    url = f"{venue.ready['spot']['rest']}/api/v3/ping"
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(url, context=ssl.create_default_context(), timeout=WAIT_S)
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(venue.ready["spot"]["ws_api"], ssl=ssl.create_default_context())


@pytest.mark.parametrize(
    ("name", "trusted"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("example.com", False)],
)
def test_the_name_is_verified(venue: RunningVenue, name: str, trusted: bool) -> None:
    address = venue.ready["host"], venue.ready["port"]
    with socket.create_connection(address, WAIT_S) as plain:
        if trusted:
            with trusting(venue).wrap_socket(plain, server_hostname=name) as secured:
                assert secured.version() in ("TLSv1.2", "TLSv1.3")
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
                trusting(venue).wrap_socket(plain, server_hostname=name)


def test_plain_text_is_not_served(venue: RunningVenue) -> None:
    address = venue.ready["host"], venue.ready["port"]
    with socket.create_connection(address, WAIT_S) as plain:
        plain.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
        plain.settimeout(WAIT_S)
        try:
            answer = plain.recv(100)
        except ConnectionError:
            answer = b""
        assert not answer.startswith(b"HTTP")


def test_what_the_certificates_say(venue: RunningVenue, folder: Path) -> None:
    ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    server = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    server.verify_directly_issued_by(ca)
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert (server.not_valid_after_utc - server.not_valid_before_utc).days <= 31
    mode = stat.S_IMODE((folder / "server-key.pem").stat().st_mode)
    assert mode == 0o600, "the private key is its owner's"
    assert b"PRIVATE" not in (folder / "ca.pem").read_bytes()
    assert not list(folder.glob("*ca-key*")), "the CA's own key is not kept"
