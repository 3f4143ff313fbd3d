"""The aiohttp layer: one port, every path of both markets, and the clock that moves them."""

import asyncio
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from appliance.abi.market import Market
from appliance.cold.errors import ApplianceError
from appliance.cold.venue import admin, certificates, key_files, listed
from appliance.cold.venue.api_connection import ApiConnection
from appliance.cold.venue.connection import Connection, Times
from appliance.cold.venue.faults import FaultBox, Faults
from appliance.cold.venue.floor import Floor
from appliance.cold.venue.hub import compact
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.listed import Recording
from appliance.cold.venue.recording_source import RecordingSource
from appliance.cold.venue.refusal import Refused
from appliance.cold.venue.rest import Rest
from appliance.cold.venue.stream_connection import StreamConnection

_TICK_S: Final = 0.001  # the market moves at most this often,
_IDLE_S: Final = 0.01  # and what is due without it, not later than this
_API_PATHS: Final = {Market.SPOT: "/ws-api/v3", Market.USDM: "/ws-fapi/v1"}
_SCOPES: Final = ("public", "market", "private")
_BODY_MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class VenueSettings:
    """What a venue is to be. ``port`` 0: any that is free.

    With a recording its markets and symbols are the venue's.
    """

    markets: Sequence[Market] = (Market.SPOT, Market.USDM)
    symbols: Sequence[str] = ("BTCUSDT", "ETHUSDT")
    seed: int = 1
    host: str = "127.0.0.1"
    port: int = 0
    keys_dir: Path = Path("venue-keys")
    tls_dir: Path | None = None
    faults: Faults = field(default_factory=Faults)
    times: Times = field(default_factory=Times)
    limits_factor: int = 1
    actions_per_s: int = 400
    recording: Recording | None = None


def _listed(settings: VenueSettings) -> dict[Market, list[Instrument]]:
    """The instruments of each market. Raises ApplianceError."""
    seed, start_ns = settings.seed, time.time_ns()
    if settings.recording is not None:
        return listed.recorded(settings.recording, seed=seed)
    return {
        market: listed.made_up(
            market,
            settings.symbols,
            seed=seed,
            start_ns=start_ns,
            actions_per_s=settings.actions_per_s,
        )
        for market in settings.markets
    }


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises ApplianceError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # a name that has both is known to most clients by its older address
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        # a name that is not found has no number of the system's
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else error.strerror
        raise ApplianceError(f"cannot listen on {host}:{port}: {why}") from error


class VenueServer:
    """``start`` and ``stop`` it inside an event loop; ``ready`` says where everything is."""

    def __init__(self, settings: VenueSettings) -> None:
        self._settings = settings
        self.box = FaultBox(settings.faults)
        self.floors = [
            Floor(market, instruments, limits_factor=settings.limits_factor)
            for market, instruments in _listed(settings).items()
        ]
        self._by_market = {floor.market: floor for floor in self.floors}
        self._rests = [Rest(floor) for floor in self.floors]
        self._connections: set[Connection] = set()
        self._runner: web.AppRunner | None = None
        self._pacer: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self.ended = asyncio.Event()  # a recording is over
        self.port = 0
        self.keys: dict[str, dict[str, str]] = {}
        for floor in self.floors:
            floor.clock.skew_ns = self.box.skew_ns
            floor.desk.spoil = self.box.spoil_request
            floor.open_account("demo")

    async def start(self) -> None:
        """Listen, and issue keys. Raises ApplianceError if the address is taken.

        What an earlier venue wrote is replaced only by one that has the port.
        """
        settings = self._settings
        listening = _listening(settings.host, settings.port)
        context = None
        try:
            if settings.tls_dir is not None:
                context = certificates.make(settings.tls_dir, settings.host)
            for floor in self.floors:
                (account,) = floor.exchange.accounts
                market = floor.market.name.lower()
                self.keys[market] = key_files.issue(floor, account, settings.keys_dir)
        except ApplianceError:
            listening.close()
            raise
        app = web.Application(client_max_size=_BODY_MAX_BYTES)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, listening, ssl_context=context).start()
        self.port = int(self._runner.addresses[0][1])
        self._pacer = asyncio.create_task(self._pace())

    async def stop(self) -> None:
        """Close every connection and the port."""
        for task in (self._pacer, *self._closing):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        for connection in tuple(self._connections):
            await connection.end(b"bye")
        if self._runner is not None:
            await self._runner.cleanup()

    def remarks(self) -> list[str]:
        """What a user should know of the recording, a line each."""
        instruments = [i for floor in self.floors for i in floor.exchange.instruments.values()]
        return [
            f"{i.symbol}: depth is missing in {n} places; the book stands still until a snapshot"
            for i in instruments
            if isinstance(i.source, RecordingSource) and (n := i.source.gaps)
        ]

    def ready(self) -> dict[str, Any]:
        """URLs by market, and where the keys and the CA are."""
        settings = self._settings
        tls = settings.tls_dir is not None
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        place = f"{host}:{self.port}"
        http, ws = f"{'https' if tls else 'http'}://{place}", f"{'wss' if tls else 'ws'}://{place}"
        document: dict[str, Any] = {"host": settings.host, "port": self.port}
        for market, floor in self._by_market.items():
            document[market.name.lower()] = {
                "rest": http,
                "streams": ws,
                "ws_api": ws + _API_PATHS[market],
                "symbols": list(floor.exchange.instruments),
                "keys": self.keys[market.name.lower()],
            }
        document["admin"] = f"{http}/venue"
        if settings.tls_dir is not None:
            document["ca"] = str(settings.tls_dir / certificates.CA_FILE)
        return document

    async def _pace(self) -> None:
        while True:
            now_ns = time.time_ns()
            for floor in self.floors:
                floor.advance(now_ns)
            if all(floor.has_ended for floor in self.floors):
                self.ended.set()
            next_s = (min(floor.exchange.next_ns for floor in self.floors) - now_ns) / 1e9
            await asyncio.sleep(min(max(next_s, _TICK_S), _IDLE_S))

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path.startswith("/venue/"):
            return self._admin(request, path, await request.text())
        connection = self._connection(request, path)
        if connection is not None:
            try:
                connection.admit(time.time_ns())
            except Refused as refused:
                headers = {"Retry-After": str(refused.retry_after_s)}
                return web.Response(status=refused.status, headers=headers)
            self._connections.add(connection)
            try:
                return await connection.serve(request)
            finally:
                self._connections.discard(connection)
        for rest in self._rests:
            if rest.serves(path):
                return await rest.handle(request)
        return web.Response(status=404, text="Not Found")

    def _connection(self, request: web.Request, path: str) -> Connection | None:
        """What a path is a WebSocket of; None: of nothing, or it is no WebSocket that is asked."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return None
        address, times = request.remote or "", self._settings.times
        for market, api_path in _API_PATHS.items():
            if path.rstrip("/") == api_path and market in self._by_market:
                api = ApiConnection(self._by_market[market], self.box, times, address)
                api.returns_limits = request.query.get("returnRateLimits", "true") != "false"
                return api
        scope, rest = "", path.lstrip("/")
        for name in _SCOPES:
            if rest.startswith(f"{name}/"):
                scope, rest = name, rest.removeprefix(f"{name}/")
        market = Market.USDM if scope or Market.SPOT not in self._by_market else Market.SPOT
        floor = self._by_market.get(market)
        kind, _, tail = rest.partition("/")
        if floor is None or kind not in ("ws", "stream"):
            return None
        if market == Market.USDM and not scope:
            scope = "public"  # what the old root still serves
        streams = tail.split("/") if tail else []
        streams += [s for s in request.query.get("streams", "").split("/") if s]
        streams += [s for s in (request.query.get("listenKey", ""),) if s]
        connection = StreamConnection(floor, self.box, times, address, scope)
        micro = request.query.get("timeUnit", "").upper() == "MICROSECOND"
        connection.ask(streams, kind == "stream", micro and market == Market.SPOT)
        return connection

    def _admin(self, request: web.Request, path: str, body: str) -> web.Response:
        if not admin.on_loopback(request.remote):
            return web.Response(status=403, text="only on loopback")
        asked = request.method, path
        status = 200
        try:
            if asked == ("GET", "/venue/state"):
                form: object = admin.state(self.floors, int(request.query.get("depth", "0")))
            elif asked == ("GET", "/venue/faults"):
                form = admin.faults(self.box)
            elif asked == ("POST", "/venue/faults"):
                form = admin.change_faults(self.floors, self.box, body)
            elif asked == ("POST", "/venue/market"):
                form = admin.move(self.floors, body)
            elif asked == ("POST", "/venue/shutdown"):
                form = {"connections": self._shut_down()}
            else:
                return web.Response(status=404, text="Not Found")
        except (Refused, ValueError) as no:
            form, status = {"msg": str(no)}, 400
        return web.Response(body=compact(form), status=status, content_type="application/json")

    def _shut_down(self) -> int:
        """Tell every connection that the server goes; the number of them."""
        for connection in self._connections:
            task = asyncio.create_task(connection.shut_down())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        return len(self._connections)
