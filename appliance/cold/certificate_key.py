"""The key that certificates are signed with: made at the first use, in the user's own folder.

``certificate.pem`` is the private half, mode 0600; ``certificate.pub`` the public one, which live
needs, and which may be copied to the trading host.
"""

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from appliance.cold.errors import ApplianceError

PRIVATE: Final = "certificate.pem"
PUBLIC: Final = "certificate.pub"


def folder() -> Path:
    """$XDG_CONFIG_HOME/lonecore."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "lonecore"


def signing_key(path: Path | None) -> tuple[Ed25519PrivateKey, str]:
    """The private key, and what the user should hear of it. None: our own, made if need be."""
    if path is not None:
        return _private(path), ""
    own = folder() / PRIVATE
    if own.exists():
        return _private(own), ""
    return make(folder()), f"made a key to sign with: {own}; live trusts {folder() / PUBLIC}"


def make(where: Path) -> Ed25519PrivateKey:
    """A new pair in the folder. ApplianceError: it cannot be written."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        where.mkdir(parents=True, exist_ok=True)
        handle = os.open(where / PRIVATE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(private)
        (where / PUBLIC).write_bytes(public)
    except OSError as error:
        raise ApplianceError(f"{where}: no key can be kept here: {error.strerror}") from None
    return key


def trusted_key(path: Path) -> Ed25519PublicKey:
    """ApplianceError: there is none."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise ApplianceError(
            f"certificate.key: {path}: {error.strerror}; it is the public half of the key that"
            " `appliance backtest --certify` signs with"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ApplianceError(f"certificate.key: {path}: not a public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ApplianceError(f"certificate.key: {path}: not an Ed25519 key")
    return key


def _private(path: Path) -> Ed25519PrivateKey:
    try:
        if path.stat().st_mode & 0o077:
            raise ApplianceError(f"{path}: others may read it: chmod 600 {path}")
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ApplianceError(f"{path}: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ApplianceError(f"{path}: not a private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ApplianceError(f"{path}: not an Ed25519 key")
    return key
