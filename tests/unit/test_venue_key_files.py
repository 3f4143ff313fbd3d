"""Keys of the demo accounts and certificates: usable, and private."""

import json
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from appliance.abi.market import Market
from appliance.cold.errors import ApplianceError
from appliance.cold.live import key_file
from appliance.cold.venue import certificates, key_files
from appliance.cold.venue.floor import Floor, new_key_text


def test_what_is_written_signs_for_the_account(tmp_path: Path) -> None:
    floor = Floor(Market.SPOT, [])
    account = floor.open_account("demo")
    files = key_files.issue(floor, account, tmp_path / "keys")
    shared, signing = (json.loads(Path(files[kind]).read_text()) for kind in ("hmac", "ed25519"))
    for form in (shared, signing):
        assert floor.desk.keys.find(form["apiKey"]).account is account
    private = load_pem_private_key(Path(signing["privateKeyFile"]).read_bytes(), None)
    known = floor.desk.keys.find(signing["apiKey"]).public_key
    assert known is not None
    assert isinstance(private, Ed25519PrivateKey)
    known.verify(private.sign(b"x"), b"x")
    assert floor.desk.keys.find(shared["apiKey"]).secret == shared["secretKey"].encode()
    for path in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_the_appliance_reads_what_the_venue_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the folder was named relative to another place, as by default."""
    monkeypatch.chdir(tmp_path)
    floor = Floor(Market.SPOT, [])
    files = key_files.issue(floor, floor.open_account("demo"), Path("venue-keys"))
    monkeypatch.chdir("/")
    key = key_file.load(tmp_path / files["ed25519"])
    assert floor.desk.keys.find(key.name) is not None and key.sign("x")


def test_a_file_that_others_can_read_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    key_files.write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ApplianceError, match="cannot write"):
        key_files.write_private(tmp_path / "file" / "key", b"")
    with pytest.raises(ApplianceError, match="cannot write"):
        certificates.make(tmp_path / "file", "localhost")


def test_key_texts_differ_and_have_the_venues_form() -> None:
    texts = {new_key_text() for _ in range(100)}
    assert len(texts) == 100
    assert all(len(text) == 64 and text.isascii() and text.isalnum() for text in texts)


@pytest.mark.parametrize(
    ("host", "wanted"), [("::1", "::1"), ("192.0.2.7", "192.0.2.7"), ("venue.test", "venue.test")]
)
def test_the_certificate_names_the_host_and_the_ca_signed_it(
    tmp_path: Path, host: str, wanted: str
) -> None:
    assert isinstance(certificates.make(tmp_path, host), ssl.SSLContext)
    ca = x509.load_pem_x509_certificate((tmp_path / certificates.CA_FILE).read_bytes())
    server = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes())
    server.verify_directly_issued_by(ca)
    ca.verify_directly_issued_by(ca)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    found = set(names.get_values_for_type(x509.DNSName))
    found |= {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    assert found >= {wanted, "localhost", "127.0.0.1"}
    assert stat.S_IMODE((tmp_path / "server-key.pem").stat().st_mode) == 0o600
