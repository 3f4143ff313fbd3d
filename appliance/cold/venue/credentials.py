"""API keys: HMAC-SHA256 secrets and Ed25519 public keys, and the check of signatures.

What is signed is the venue's rule [binance-protocol 3]: REST signs query string and body as they
were sent (percent-encoded), the WebSocket API all params sorted by name. HMAC is hex and may have
capitals, Ed25519 is base64.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.cold.venue.account import Account
from appliance.cold.venue.refusal import UNAUTHORIZED, Refused

_FORM: Final = re.compile(r"[A-Za-z0-9]{1,128}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of an account: with a secret, or with a public key."""

    text: str
    account: Account
    secret: bytes = b""
    public_key: Ed25519PublicKey | None = None

    @property
    def is_ed25519(self) -> bool:
        return self.public_key is not None

    def has_signed(self, payload: bytes, signature: str) -> bool:
        """True if ``signature`` of ``payload`` was made with this key."""
        if self.public_key is None:
            wanted = hmac.new(self.secret, payload, hashlib.sha256).hexdigest()
            return hmac.compare_digest(wanted.encode(), signature.lower().encode())
        try:
            self.public_key.verify(base64.b64decode(signature, validate=True), payload)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


class KeyRing:
    """The keys that one market knows."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    def add(self, key: ApiKey) -> None:
        self._keys[key.text] = key

    def find(self, text: str) -> ApiKey:
        """Refused if the key has no sound form (-2014) or is not known (-2015)."""
        if not _FORM.fullmatch(text):
            raise Refused(-2014, "API-key format invalid.", UNAUTHORIZED)
        key = self._keys.get(text)
        if key is None:
            raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", UNAUTHORIZED)
        return key


def sorted_payload(params: dict[str, str]) -> bytes:
    """What the WebSocket API signs: ``k=v`` of all params but the signature, sorted by name."""
    pairs = sorted((name, text) for name, text in params.items() if name != "signature")
    return "&".join(f"{name}={text}" for name, text in pairs).encode()


def sent_payload(query: str, body: str) -> tuple[bytes, str]:
    """What REST signs: query string and body without the signature; and the signature, quoted."""
    signature = ""
    kept = []
    for text in (query, body):
        pairs = text.split("&") if text else []
        for pair in pairs:
            if pair.startswith("signature="):
                signature = pair.removeprefix("signature=")
        kept.append("&".join(pair for pair in pairs if not pair.startswith("signature=")))
    return "".join(kept).encode(), signature
