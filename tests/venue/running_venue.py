"""A venue that runs in a thread of its own, so that clients of any kind may block."""

import asyncio
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from appliance.abi.market import Market
from appliance.cold.venue import key_files
from appliance.cold.venue.floor import Floor
from appliance.cold.venue.server import VenueServer, VenueSettings

START_S = 30.0  # a machine that is busy
WAIT_S = 20.0  # for anything that must happen
POLL_S = 0.01
T = TypeVar("T")


def eventually(found: Callable[[], T], what: str = "it", within_s: float = WAIT_S) -> T:
    """What ``found`` returns as soon as that is true; fails after ``within_s``."""
    until_s = time.monotonic() + within_s
    while True:
        value = found()
        if value:
            return value
        assert time.monotonic() < until_s, f"{what} did not happen within {within_s} s"
        time.sleep(POLL_S)


@dataclass(frozen=True)
class Keys:
    """The API keys of one account, of both kinds."""

    hmac_key: str
    hmac_secret: str
    ed25519_key: str
    pem_file: str

    @classmethod
    def read(cls, files: dict[str, str]) -> "Keys":
        """From the files that ``ready()`` names."""
        shared = json.loads(Path(files["hmac"]).read_text())
        signing = json.loads(Path(files["ed25519"]).read_text())
        return cls(
            shared["apiKey"], shared["secretKey"], signing["apiKey"], signing["privateKeyFile"]
        )


class RunningVenue:
    """``with RunningVenue(settings) as venue``: it listens inside, and is stopped after."""

    def __init__(self, settings: VenueSettings) -> None:
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="venue", daemon=True)
        self._accounts = 0
        self.server: VenueServer
        self.ready: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.ready = self._within(self._start())
        except BaseException:
            self._end_loop()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            self._within(self.server.stop())
        finally:
            self._end_loop()

    def call(self, work: Callable[[], T]) -> T:
        """Do ``work`` where the venue runs, between two of its own steps."""

        async def wrapped() -> T:
            return work()

        return self._within(wrapped())

    def begin(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start ``work`` where the venue runs, and do not wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def floor(self, market: Market) -> Floor:
        """Touch it inside ``call`` only."""
        return next(floor for floor in self.server.floors if floor.market == market)

    def demo_keys(self, market: Market) -> Keys:
        """Of the account that every venue has."""
        return Keys.read(self.ready[market.name.lower()]["keys"])

    def new_keys(self, market: Market) -> Keys:
        """Of a new account, with funds and without a past."""
        self._accounts += 1
        name = f"account{self._accounts}"

        def issue() -> dict[str, str]:
            floor = self.floor(market)
            folder = self._settings.keys_dir / name
            return key_files.issue(floor, floor.open_account(name), folder)

        return Keys.read(self.call(issue))

    def get(self, path: str) -> Any:
        """The JSON that an HTTP GET of ``path`` brings."""
        return self._fetch(path, None)

    def post(self, path: str, form: dict[str, Any]) -> Any:
        """The JSON that an HTTP POST of ``form`` as JSON brings."""
        return self._fetch(path, json.dumps(form).encode())

    def _fetch(self, path: str, body: bytes | None) -> Any:
        url = f"http://{self.ready['host']}:{self.ready['port']}{path}"
        with urllib.request.urlopen(url, body, timeout=WAIT_S) as reply:
            return json.load(reply)

    async def _start(self) -> dict[str, Any]:
        self.server = VenueServer(self._settings)
        await self.server.start()
        return self.server.ready()

    def _within(self, work: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(START_S)

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)
        self._loop.close()
