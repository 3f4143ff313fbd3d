"""The venue's REST interface, within its weights (binance-protocol 3 and 5)."""

import asyncio
import json
import re
import ssl
import time
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from appliance.abi.units import NS_PER_MS, NS_PER_S
from appliance.cold.errors import one_line
from appliance.cold.live.endpoints import Endpoints
from appliance.cold.live.key_file import ApiKey
from appliance.cold.live.signature import rest_query
from appliance.cold.live.weights import MINUTE_S, PUBLIC_SHARE, SIGNED_SHARE, Weights

TIMEOUT_S: Final = 10.0
BODY_BYTES_MAX: Final = 256 << 20  # an exchangeInfo has some 20 MiB
_LOOKED_AT: Final = 1000
_DIGITS: Final = re.compile("[0-9]{1,6}")
# Codes that leave the outcome open, whatever the status (binance-protocol 3, errors).
UNKNOWN_CODES: Final = frozenset((-1000, -1001, -1006, -1007, -1008))


class RestError(Exception):
    """A request without a result. One line."""


class Refused(RestError):
    """The venue said no: an HTTP 4xx with a code."""

    def __init__(self, text: str, status: int, code: int) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class Unclear(RestError):
    """Nobody knows whether the venue did it: 5xx, no answer, an answer that is none."""


class MustWait(RestError):
    """The venue asked us to wait: 429 or 418 came back, and nothing is asked before that."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


class ShareUsed(RestError):
    """Our share of this minute's weight is used up: nothing was asked.

    The venue has not complained, so nobody else needs to wait.
    """

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


class RestClient:
    """One client of one venue. All calls come from the session's asyncio loop."""

    def __init__(self, endpoints: Endpoints, tls: ssl.SSLContext, key: ApiKey | None) -> None:
        self._endpoints = endpoints
        self._key = key
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            connector=aiohttp.TCPConnector(ssl=tls),
        )
        self._quiet_until_s = 0.0
        self.clock_offset_ns = 0
        self.weights = Weights(endpoints.market, lambda: self._venue_ns() / NS_PER_S)

    async def close(self) -> None:
        await self._http.close()

    async def public(self, path: str, params: Mapping[str, str | int] | None = None) -> bytes:
        """The body of a GET that anybody may send. RestError."""
        return await self._send("GET", path, _query(params or {}), {})

    async def signed(
        self, method: str, path: str, params: Mapping[str, str | int] | None = None
    ) -> Any:
        """The document of a signed request. RestError."""
        assert self._key is not None
        stamp_ms = self._venue_ns() // NS_PER_MS
        query = rest_query(self._key, {**(params or {}), "timestamp": stamp_ms})
        return parsed(path, await self._send(method, path, query, self._headers()))

    async def keyed(self, method: str, path: str) -> Any:
        """The document of a request that shows the key and is not signed. RestError."""
        return parsed(path, await self._send(method, path, "", self._headers()))

    def _headers(self) -> dict[str, str]:
        assert self._key is not None
        return {"X-MBX-APIKEY": self._key.name}

    async def _send(self, method: str, path: str, query: str, headers: dict[str, str]) -> bytes:
        wait_s = self._quiet_until_s - time.monotonic()
        if wait_s > 0:
            raise MustWait(f"{path}: the venue asked us to wait", wait_s)
        share = SIGNED_SHARE if headers else PUBLIC_SHARE
        if (wait_s := self.weights.wait_s(path, share)) > 0:
            raise ShareUsed(f"{path}: our share of the weight of this minute is used up", wait_s)
        # Some of USD-M's are of another version than the rest, and say so.
        api = "" if path.startswith("/fapi/") else self._endpoints.api
        url = f"{self._endpoints.rest}{api}{path}"
        told: int | None = None
        begun = self.weights.begin(path)
        try:
            # The query is encoded and signed already: it must go out as it is.
            from yarl import URL

            target = URL(f"{url}?{query}" if query else url, encoded=True)
            async with self._http.request(
                method, target, headers=headers, allow_redirects=False
            ) as answer:
                told = _whole(answer.headers.get("X-MBX-USED-WEIGHT-1M"))
                body = await _body(path, answer.content)
                if answer.status < 300:
                    return body
                raise self._failure(path, answer.status, answer.headers, body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            why = one_line(str(error)) or type(error).__name__
            raise Unclear(f"{path}: {why}") from None
        finally:
            self.weights.end(path, begun, told)

    def _venue_ns(self) -> int:
        return time.time_ns() + self.clock_offset_ns

    def _be_quiet(self, wait_s: float) -> None:
        """Ask nothing for so long; what was to be quiet for longer stays so."""
        self._quiet_until_s = max(self._quiet_until_s, time.monotonic() + wait_s)

    def _failure(
        self, path: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> RestError:
        code, message = error_of(body)
        text = f"{path}: HTTP {status}: {message}"
        if status in (418, 429):
            asked_s = _whole(headers.get("Retry-After"))
            wait_s = MINUTE_S if asked_s is None else float(asked_s)
            self._be_quiet(wait_s)
            return MustWait(text, wait_s)
        if status >= 500 or code in UNKNOWN_CODES:
            return Unclear(text)
        return Refused(text, status, code)


def rest_tls(extra_ca: Any) -> ssl.SSLContext:
    """For REST: the system's certificates and, if given, a file of others. Verified, by name."""
    context = ssl.create_default_context()
    if extra_ca is not None:
        context.load_verify_locations(extra_ca)
    return context


def error_of(body: bytes) -> tuple[int, str]:
    """(code, message) of an error's body; (0, its beginning) if it is not the venue's JSON."""
    try:
        document = json.loads(body)
        code = int(document["code"])
        return code, f"{code} {one_line(str(document['msg']))}"
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        shown = one_line(body[:_LOOKED_AT].decode(errors="replace"))
        return 0, f"not an answer of the venue: {shown!r}"


def parsed(path: str, body: bytes) -> Any:
    """The JSON of an answer. Unclear if it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        _, shown = error_of(body)
        raise Unclear(f"{path}: {shown}") from None


async def _body(path: str, content: aiohttp.StreamReader) -> bytes:
    """All of it, within BODY_BYTES_MAX."""
    parts, size = [], 0
    async for part in content.iter_any():
        parts.append(part)
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise Unclear(f"{path}: an answer of more than {BODY_BYTES_MAX} bytes")
    return b"".join(parts)


def _whole(text: str | None) -> int | None:
    """The number of a header; None if it is none that could be meant."""
    return int(text) if text and _DIGITS.fullmatch(text) else None


async def patiently(call: Any, tries: int, pause_s: float = 1.0) -> Any:
    """The result of ``call()``, asked again after RestErrors that may pass."""
    for n in range(tries):
        try:
            return await call()
        except (MustWait, ShareUsed) as error:
            if n == tries - 1:
                raise
            await asyncio.sleep(min(error.seconds, MINUTE_S))
        except Unclear:
            if n == tries - 1:
                raise
            await asyncio.sleep(pause_s * (n + 1))
    raise AssertionError("unreachable")


def _query(params: Mapping[str, str | int]) -> str:
    from urllib.parse import urlencode

    return urlencode(params)
