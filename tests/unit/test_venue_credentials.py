"""Signatures against the venue's published vectors and against another implementation of each."""

import base64
import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.cold.venue.credentials import ApiKey, KeyRing, sent_payload, sorted_payload
from appliance.cold.venue.refusal import Refused

ACCOUNT: Any = object()
# Published with the documents of the WebSocket API: a demo key.
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
ORDER = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01000000",
    "price": "52000.00",
    "recvWindow": "100",
    "timestamp": "1645423376532",
    "apiKey": KEY,
}
SIGNED = "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
FOREIGN = ORDER | {
    "symbol": "１２３４５６",
    "side": "BUY",
    "quantity": "1.00000000",
    "price": "0.10000000",
    "recvWindow": "5000",
}
FOREIGN_SIGNED = "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd"


@pytest.mark.parametrize(("order", "signature"), [(ORDER, SIGNED), (FOREIGN, FOREIGN_SIGNED)])
def test_published_vectors(order: dict[str, str], signature: str) -> None:
    key = ApiKey(KEY, ACCOUNT, secret=SECRET)
    payload = sorted_payload(order | {"signature": "not part of it"})
    assert key.has_signed(payload, signature)
    assert key.has_signed(payload, signature.upper())  # hex may have capitals
    assert not key.has_signed(payload + b"0", signature)
    assert not key.has_signed(payload, signature[:-1] + "5")
    assert not key.has_signed(payload, "")
    assert not key.has_signed(payload, "１２３４")


def test_ed25519_is_base64_and_knows_capitals() -> None:
    private = Ed25519PrivateKey.generate()
    key = ApiKey(KEY, ACCOUNT, public_key=private.public_key())
    payload = sorted_payload(ORDER)
    signature = base64.b64encode(private.sign(payload)).decode()
    assert key.is_ed25519
    assert key.has_signed(payload, signature)
    assert not key.has_signed(payload, signature.swapcase())
    assert not key.has_signed(payload, private.sign(payload).hex())
    assert not key.has_signed(payload, "===")
    hashed = hmac.new(SECRET, payload, hashlib.sha256).hexdigest()
    assert not key.has_signed(payload, hashed)


@pytest.mark.parametrize(
    ("query", "body", "payload", "signature"),
    [
        ("a=1&b=2&signature=xyz", "", b"a=1&b=2", "xyz"),
        ("", "a=1&signature=xyz", b"a=1", "xyz"),
        # the documents sign the query and the body one after the other, without a `&`
        ("a=1", "b=2&signature=xyz", b"a=1b=2", "xyz"),
        ("signature=xyz&a=1", "", b"a=1", "xyz"),
        ("a=%E4%BD%A0&signature=x%2B%3D", "", b"a=%E4%BD%A0", "x%2B%3D"),
        ("a=1", "", b"a=1", ""),
    ],
)
def test_rest_signs_what_was_sent(query: str, body: str, payload: bytes, signature: str) -> None:
    assert sent_payload(query, body) == (payload, signature)


def test_keys_that_are_malformed_or_unknown() -> None:
    ring = KeyRing()
    key = ApiKey(KEY, ACCOUNT, secret=SECRET)
    ring.add(key)
    assert ring.find(KEY) is key
    for text, code in (("", -2014), ("two words", -2014), ("a" * 129, -2014), ("a" * 64, -2015)):
        with pytest.raises(Refused) as refused:
            ring.find(text)
        assert (refused.value.code, refused.value.status) == (code, 401)
