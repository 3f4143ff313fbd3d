"""The demo's exchange: ``appliance venue`` as a child process, ended with the demo."""

import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from appliance.cold.errors import ApplianceError

_END_S: Final = 10.0


class DemoVenue:
    """``with DemoVenue(folder, options) as venue``: it listens; ``ready`` is what it said."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        self._folder = folder
        self._options = options
        self.ready: dict[str, Any] = {}

    def __enter__(self) -> Self:
        keys = str(self._folder / "keys")
        command = [sys.executable, "-m", "appliance", "venue", "--json", "--keys-dir", keys]
        # A file: nobody reads a pipe while the demo runs. A session of its own: Ctrl-C is for the
        # demo, which ends the venue last.
        self._errors = tempfile.TemporaryFile(mode="w+")
        self._process = subprocess.Popen(
            [*command, *self._options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,
        )
        try:
            self.ready = self._hear()
        except BaseException:  # also Ctrl-C: without an __enter__ there is no __exit__
            self.__exit__(None, None, None)
            raise
        return self

    def _hear(self) -> dict[str, Any]:
        """What it says when it listens. ApplianceError: it does not start."""
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            ready: dict[str, Any] = json.loads(line)
            return ready
        self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().strip().removeprefix("appliance venue: ")
        raise ApplianceError(f"the venue: {said.splitlines()[-1] if said else 'no start'}")

    def truth(self, market: str) -> tuple[dict[str, Decimal], int]:
        """(position by symbol as its trades add up, open orders), from the matching engine."""
        url = f"http://{self.ready['host']}:{self.ready['port']}/venue/state?depth=1"
        directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with directly.open(url, timeout=_END_S) as reply:
            account = json.load(reply)[market]["accounts"]["demo"]
        positions: dict[str, Decimal] = {}
        for trade in account["trades"]:
            signed = Decimal(trade["qty"]) * (1 if trade["side"] == "BUY" else -1)
            positions[trade["symbol"]] = positions.get(trade["symbol"], Decimal(0)) + signed
        return positions, len(account["openOrders"])

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        assert self._process.stdout is not None
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()
