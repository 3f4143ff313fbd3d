"""Calls of the REST client to a server on loopback, each in an asyncio loop of its own."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.abi.market import Market
from appliance.cold.live.endpoints import Endpoints
from appliance.cold.live.key_file import ApiKey
from appliance.cold.live.rest_client import RestClient
from tests.strategies.loopback import Loopback

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = ApiKey("the-name-of-the-key", PRIVATE)
T = TypeVar("T")
Work = Callable[[RestClient], Awaitable[T]]


def ask_at(base: str, work: Work[T], tls: ssl.SSLContext | None = None) -> T:
    """The result of ``work`` with a spot client of ``base``."""

    async def run() -> T:
        endpoints = Endpoints(Market.SPOT, base, "ws://none", "ws://none")
        client = RestClient(endpoints, tls or ssl.create_default_context(), KEY)
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


def ask(server: Loopback, work: Work[T], tls: ssl.SSLContext | None = None) -> T:
    """The result of ``work`` with a client of the server."""
    return ask_at(f"http{'s' if tls else ''}://127.0.0.1:{server.port}", work, tls)
