"""Signed requests: the published vectors, and signatures that others verify."""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from appliance.cold.live.key_file import ApiKey
from appliance.cold.live.signature import api_params, rest_query

# Published with the documents of the WebSocket API: a demo key.
NAME = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
DEMO_SECRET = b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
ORDER: dict[str, str | int] = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01000000",
    "price": "52000.00",
    "recvWindow": 100,
    "timestamp": 1645423376532,
}
FOREIGN = ORDER | {
    "symbol": "１２３４５６",
    "side": "BUY",
    "quantity": "1.00000000",
    "price": "0.10000000",
    "recvWindow": 5000,
}
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = ApiKey(NAME, PRIVATE)
PARAMS = st.dictionaries(
    st.from_regex(r"[a-zA-Z]{1,12}", fullmatch=True).filter(
        lambda name: name not in ("apiKey", "signature", "timestamp")
    ),
    st.integers() | st.text(st.characters(codec="utf-8"), max_size=12),
    max_size=8,
)


class HmacKey:
    """Signs as the documents' example does, so that its published result can be compared."""

    name = NAME

    def sign(self, payload: str) -> str:
        return hmac.new(DEMO_SECRET, payload.encode(), hashlib.sha256).hexdigest()


HMAC: Any = HmacKey()


def verify(signature: Any, payload: str) -> None:
    PRIVATE.public_key().verify(base64.b64decode(signature, validate=True), payload.encode())


@pytest.mark.parametrize(
    ("order", "signature"),
    [
        (ORDER, "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"),
        (FOREIGN, "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd"),
    ],
)
def test_published_vectors(order: dict[str, str | int], signature: str) -> None:
    """Which bytes are signed is the same for every kind of key."""
    assert api_params(HMAC, order) == order | {"apiKey": NAME, "signature": signature}
    backwards = dict(reversed(order.items()))
    assert api_params(HMAC, backwards)["signature"] == signature


@given(PARAMS)
def test_the_websocket_api_is_signed_sorted_and_unencoded(params: dict[str, str | int]) -> None:
    before = dict(params)
    full = api_params(KEY, params)
    assert params == before
    assert full.pop("apiKey") == NAME
    signature = full.pop("signature")
    assert full == params
    fields = sorted([*params.items(), ("apiKey", NAME)])
    verify(signature, "&".join(f"{name}={value}" for name, value in fields))


@given(PARAMS)
def test_rest_is_encoded_before_it_is_signed(params: dict[str, str | int]) -> None:
    """The venue verifies the bytes of the query as they came, and decodes them afterwards."""
    query = rest_query(KEY, params | {"timestamp": 1})
    assert query.isascii() and query.isprintable() and " " not in query
    payload, _, signature = query.rpartition("&signature=")
    assert "+" not in signature and "/" not in signature and "=" not in signature
    verify(unquote(signature), payload)
    wanted = [(name, str(value)) for name, value in (params | {"timestamp": 1}).items()]
    assert parse_qsl(payload, keep_blank_values=True, strict_parsing=True) == wanted


def test_nothing_but_a_time() -> None:
    payload, _, signature = rest_query(KEY, {"timestamp": 5}).rpartition("&signature=")
    assert payload == "timestamp=5"
    verify(unquote(signature), payload)


def test_another_key_or_another_text_does_not_verify() -> None:
    signature = api_params(KEY, {"timestamp": 1})["signature"]
    verify(signature, f"apiKey={NAME}&timestamp=1")
    with pytest.raises(InvalidSignature):
        verify(signature, f"apiKey={NAME}&timestamp=2")
    other = ApiKey(NAME, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    with pytest.raises(InvalidSignature):
        verify(api_params(other, {"timestamp": 1})["signature"], f"apiKey={NAME}&timestamp=1")
