"""Keys of the demo accounts, in files that only their owner can read; never printed or logged.

For each market, in the folder::

    spot-hmac.json       {"apiKey": .., "secretKey": ..}
    spot-ed25519.json    {"apiKey": .., "privateKeyFile": ..}
    spot-ed25519.pem     the private key, PKCS 8
"""

import json
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appliance.cold.errors import ApplianceError
from appliance.cold.venue.account import Account
from appliance.cold.venue.credentials import ApiKey
from appliance.cold.venue.floor import Floor, new_key_text

MODE: Final = 0o600


def write_private(path: Path, content: bytes) -> None:
    """A file of mode 0600 from its first byte on. Raises ApplianceError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        raise ApplianceError(f"cannot write {path}: {error.strerror}") from error


def issue(floor: Floor, account: Account, folder: Path) -> dict[str, str]:
    """New keys of both kinds for the account. Where they are, by kind."""
    market = floor.market.name.lower()
    secret = new_key_text()
    hmac_key = ApiKey(new_key_text(), account, secret=secret.encode())
    private = Ed25519PrivateKey.from_private_bytes(secrets.token_bytes(32))
    ed25519_key = ApiKey(new_key_text(), account, public_key=private.public_key())
    for key in (hmac_key, ed25519_key):
        floor.desk.keys.add(key)
    pem = (folder / f"{market}-ed25519.pem").resolve()  # readers take it relative to the file
    write_private(pem, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files = {
        "hmac": (folder / f"{market}-hmac.json", {"secretKey": secret}, hmac_key),
        "ed25519": (folder / f"{market}-ed25519.json", {"privateKeyFile": str(pem)}, ed25519_key),
    }
    for path, private_part, key in files.values():
        text = json.dumps({"apiKey": key.text, **private_part}, indent=1)
        write_private(path, text.encode())
    return {kind: str(path) for kind, (path, _, _) in files.items()}
