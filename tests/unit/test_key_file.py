"""API keys: who may read the file, what may stand in it, and that no text ever shows it."""

import base64
import json
import os
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from appliance.cold.errors import ApplianceError
from appliance.cold.live.key_file import credential_path, load

NAME = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
# RFC 8032, 7.1, test 1: the secret, and its signature of no bytes at all.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
SIGNED_NOTHING = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
PRIVATE = Ed25519PrivateKey.from_private_bytes(SEED)


def pem(key: Any = PRIVATE, encryption: KeySerializationEncryption | None = None) -> str:
    how = encryption or NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode()


SECRET = pem().splitlines()[1]  # what no text may hold
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
# Of a curve that nobody implements any more: prime239v1.
ODD_CURVE = """-----BEGIN EC PRIVATE KEY-----
MHECAQEEHk11SaAHu5AXXnU/3uPH24WnicZyvAC4DKxIb7fI2KAKBggqhkjOPQMB
BKFAAz4ABFiNEKscm/xVaTWeza+JTuJg/W+r/BTimB7dMgAmslrz9ecmZKlJQz2E
U1H+y6vkB1dveGvkzQwNoeQefg==
-----END EC PRIVATE KEY-----
"""
SECRET_PIECES = [SECRET[i : i + 16] for i in range(0, len(SECRET) - 16, 8)]


def write(path: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def document(**fields: Any) -> str:
    return json.dumps({"apiKey": NAME, **fields})


def refusal(path: Path, **named: Any) -> str:
    """The one line that says what is wrong, and shows nothing secret, nor do its causes."""
    with pytest.raises(ApplianceError) as caught:
        load(path, **named)
    line = str(caught.value)
    assert line.isprintable(), line
    told = line + "".join(traceback.format_exception(caught.value))
    assert not [piece for piece in SECRET_PIECES if piece in told]
    assert NAME not in told
    return line


@pytest.fixture
def inline(tmp_path: Path) -> Path:
    return write(tmp_path / "key.json", document(privateKey=pem()))


def test_inline_and_in_a_file_beside_it(inline: Path, tmp_path: Path) -> None:
    write(tmp_path / "own.pem", pem())
    relative = write(tmp_path / "relative.json", document(privateKeyFile="own.pem"))
    absolute = write(tmp_path / "absolute.json", document(privateKeyFile=f"{tmp_path}/own.pem"))
    for path in (inline, relative, absolute):
        key = load(path)
        assert key.name == NAME
        assert key.sign("") == base64.b64encode(SIGNED_NOTHING).decode()


def test_what_is_signed_is_utf_8(inline: Path) -> None:
    text = "symbol=１２３４５６&timestamp=1"
    PRIVATE.public_key().verify(base64.b64decode(load(inline).sign(text)), text.encode())


@given(st.integers(0, 0o777))
def test_only_the_owner_may_read(tmp_path_factory: Any, mode: int) -> None:
    """Any bit for group or others refuses; bits of the owner do not matter."""
    path = tmp_path_factory.getbasetemp() / f"key-{mode:o}.json"
    write(path, document(privateKey=pem()), mode | 0o400)
    try:
        if mode & 0o077:
            said = refusal(path)
            assert said == f"{path}: others may read it: chmod 600 {path}"
            path.chmod(0o600)
        assert load(path).name == NAME
    finally:
        path.unlink()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o602, 0o610])
def test_the_private_key_s_own_file_too(tmp_path: Path, mode: int) -> None:
    own = write(tmp_path / "own.pem", pem(), mode)
    path = write(tmp_path / "key.json", document(privateKeyFile="own.pem"))
    assert refusal(path) == f"{own}: others may read it: chmod 600 {own}"


def test_a_link_is_judged_by_what_it_points_to(inline: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(inline)
    assert load(link).name == NAME
    inline.chmod(0o644)
    assert "others may read it" in refusal(link)
    inline.unlink()
    assert refusal(link) == f"{link}: No such file or directory"
    link.unlink()
    link.symlink_to(link)
    assert "symbolic links" in refusal(link)


def test_what_is_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    assert "directory" in refusal(folder)
    assert "No such file" in refusal(tmp_path / "none.json")
    assert "Not a directory" in refusal(write(tmp_path / "file", "") / "key.json")
    assert "too long" in refusal(tmp_path / ("n" * 300))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_we_may_not_read(inline: Path) -> None:
    inline.chmod(0)
    assert "Permission denied" in refusal(inline)


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "key", SECRET, f'{{"apiKey": "{NAME}", "privateKey": "{SECRET}"', pem()),
        *(b"\xff\xfe\xfd", b"\0" * 100, "[" * 100_000, '{"a":' * 100_000),
    ],
    ids=range(10),
)
def test_what_is_not_json(tmp_path: Path, content: str | bytes) -> None:
    path = write(tmp_path / "key.json", content)
    assert refusal(path) == f"{path}: not JSON"


@pytest.mark.parametrize(
    "content",
    [
        *("[]", "5", "null", f'"{SECRET}"', "{}", '{"apiKey": ""}', '{"apiKey": 5}'),
        *('{"apiKey": null}', f'[{{"apiKey": "{NAME}"}}]', '{"apikey": "other case"}'),
    ],
)
def test_without_a_name(tmp_path: Path, content: str) -> None:
    path = write(tmp_path / "key.json", content)
    assert refusal(path) == f'{path}: there is no "apiKey"'


@pytest.mark.parametrize("name", ["a\nX-Other: b", "ключ", "\ud800", "a\0", "a\x7f"])
def test_a_name_that_no_header_could_hold(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "key.json", document(apiKey=name, privateKey=pem()))
    assert "characters that no API key has" in refusal(path)


@pytest.mark.parametrize(
    "fields",
    [{}, {"secretKey": SECRET}, {"privateKey": ""}, {"privateKey": [SECRET]}, {"privateKey": 5}],
)
def test_without_a_private_key(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = write(tmp_path / "key.json", document(**fields))
    said = refusal(path)
    assert said.startswith(f'{path}: there is neither "privateKey" nor "privateKeyFile"')
    assert "a secret key cannot log on" in said


@pytest.mark.parametrize(
    "text",
    [
        *("\ud800", "x", SECRET, pem()[:60], pem().replace("PRIVATE", "PUBLIC"), PUBLIC.decode()),
        *(pem().replace("M", "N", 1), pem().replace(SECRET, ""), pem().replace(SECRET, "AAAA")),
        pem(encryption=BestAvailableEncryption(b"password")),
        ODD_CURVE,
    ],
    ids=range(11),
)
def test_what_is_no_private_key(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "key.json", document(privateKey=text))
    assert refusal(path) == f"{path}: not a private key in PEM without a password"


@pytest.mark.parametrize(
    "key", [ed448.Ed448PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())]
)
def test_another_kind_of_key(tmp_path: Path, key: Any) -> None:
    write(tmp_path / "own.pem", pem(key))
    path = write(tmp_path / "key.json", document(privateKeyFile="own.pem"))
    assert refusal(path) == f"{tmp_path / 'own.pem'}: not an Ed25519 key"


@pytest.mark.parametrize("text", [pem(), SECRET, "none.pem", "a\0b", "\ud800", "n" * 5000])
def test_a_secret_in_the_place_of_a_path_is_not_shown(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "key.json", document(privateKeyFile=text))
    assert refusal(path).startswith(f'{path}: "privateKeyFile": ')


def test_nothing_shows_a_key(inline: Path) -> None:
    key = load(inline)
    shown = f"{key} {key!r} {[key]} {key!a}" + str(vars(key).get("_private"))
    assert NAME not in shown and not [piece for piece in SECRET_PIECES if piece in shown]
    assert SEED.hex() not in shown
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd itself guards its folder, so the mode is not for us to judge."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    write(tmp_path / "lonecore-key", document(privateKey=pem()), 0o440)
    assert credential_path("lonecore-key") == tmp_path / "lonecore-key"
    assert load(credential_path("lonecore-key"), owner_only=False).name == NAME
    assert "No such file" in refusal(credential_path("other"), owner_only=False)


@pytest.mark.parametrize("folder", [None, ""])
def test_without_systemd(monkeypatch: pytest.MonkeyPatch, folder: str | None) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    if folder is not None:
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", folder)
    with pytest.raises(ApplianceError, match=r"keys\.credential mine: .* use keys\.file"):
        credential_path("mine")
