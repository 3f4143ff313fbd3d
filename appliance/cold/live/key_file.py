"""The API key: from a file that only its owner can read, or a systemd credential. Never shown.

::

    {"apiKey": "..", "privateKeyFile": "key.pem"}      Ed25519, PKCS 8; relative to this file
    {"apiKey": "..", "privateKey": "-----BEGIN .."}    the same, inline

The WebSocket API logs on with Ed25519 only, so no other kind is taken.
"""

import base64
import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from appliance.cold.errors import ApplianceError
from appliance.cold.run_config import RunConfig

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class ApiKey:
    """An API key and its private half; neither appears in its text."""

    name: str = field(repr=False)  # what goes out as apiKey
    _private: Ed25519PrivateKey = field(repr=False)

    def sign(self, payload: str) -> str:
        """Ed25519 over UTF-8, in base64 (binance-protocol 3)."""
        return base64.b64encode(self._private.sign(payload.encode())).decode()


def credential_path(name: str) -> Path:
    """The file of a systemd credential. ApplianceError: the unit loads none of that name."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ApplianceError(
            f"keys.credential {name}: systemd gives no credentials here; use keys.file"
        )
    return Path(folder) / name


def of(config: RunConfig) -> ApiKey | None:
    """The key that a configuration names; None: it is not live. ApplianceError."""
    if config.mode != "live":
        return None
    if (name := config.text("keys.credential")) is not None:
        return load(credential_path(name), owner_only=False)
    path = config.file("keys.file")
    assert path is not None
    return load(path)


def load(path: Path, *, owner_only: bool = True) -> ApiKey:
    """Read a key. ApplianceError names the file and what is wrong, never what stands in it."""
    text = _read(path, owner_only, str(path))
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise ApplianceError(f"{path}: not JSON") from None
    if not isinstance(document, dict) or not _is_text(document, "apiKey"):
        raise ApplianceError(f'{path}: there is no "apiKey"')
    if not (document["apiKey"].isascii() and document["apiKey"].isprintable()):
        raise ApplianceError(f'{path}: "apiKey" has characters that no API key has')
    if _is_text(document, "privateKey"):
        pem = document["privateKey"].encode(errors="replace")
        where = path
    elif _is_text(document, "privateKeyFile"):
        where = path.parent / document["privateKeyFile"]
        pem = _read(where, owner_only, f'{path}: "privateKeyFile"')
    else:
        raise ApplianceError(
            f'{path}: there is neither "privateKey" nor "privateKeyFile" (Ed25519; a secret key'
            " cannot log on to the WebSocket API)"
        )
    try:
        private = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ApplianceError(f"{where}: not a private key in PEM without a password") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise ApplianceError(f"{where}: not an Ed25519 key")
    return ApiKey(document["apiKey"], private)


def _read(path: Path, owner_only: bool, shown: str) -> bytes:
    """``shown`` stands for a path that is none: it may be a secret in the wrong place."""
    try:
        mode = path.stat().st_mode
        if owner_only and mode & _OTHERS:
            raise ApplianceError(f"{path}: others may read it: chmod 600 {path}")
        return path.read_bytes()
    except OSError as error:
        raise ApplianceError(f"{shown}: {error.strerror}") from None
    except ValueError:  # a NUL, or half a character
        raise ApplianceError(f"{shown}: no name of a file") from None


def _is_text(document: Any, key: str) -> bool:
    return isinstance(document.get(key), str) and document[key] != ""
