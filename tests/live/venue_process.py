"""``appliance venue`` as a process of its own."""

import json
import ssl
import subprocess
import sys
import urllib.request
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
WAIT_S = 30.0


class VenueProcess:
    """``with VenueProcess(folder, "--market", "spot") as venue``; ``ready`` holds its URLs."""

    def __init__(self, folder: Path, *options: str) -> None:
        keys = ["--keys-dir", str(folder / "keys")]
        self._command = [sys.executable, "-m", "appliance", "venue", "--json", *keys, *options]
        self.ready: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the venue did not start: exit code {self.process.wait(WAIT_S)}"
        self.ready = json.loads(line)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        assert self.process.stdout is not None
        self.process.terminate()
        try:
            self.process.wait(WAIT_S)
        finally:
            self.process.kill()
            self.process.stdout.close()

    def account(self, market: str) -> dict[str, Any]:
        """Open orders, trades and funds of the one account, as the engine has them."""
        form: dict[str, Any] = self.fetch("/venue/state?depth=1")[market]["accounts"]["demo"]
        return form

    def positions(self, market: str) -> dict[str, Decimal]:
        """What the trades of each symbol add up to."""
        sums: dict[str, Decimal] = {}
        for trade in self.account(market)["trades"]:
            signed = Decimal(trade["qty"]) * (1 if trade["side"] == "BUY" else -1)
            sums[trade["symbol"]] = sums.get(trade["symbol"], Decimal(0)) + signed
        return sums

    def fetch(self, path: str, form: dict[str, Any] | None = None) -> Any:
        """The JSON of a GET, or of a POST of ``form``."""
        ca = self.ready.get("ca")
        context = None if ca is None else ssl.create_default_context(cafile=ca)
        scheme = "http" if ca is None else "https"
        url = f"{scheme}://{self.ready['host']}:{self.ready['port']}{path}"
        body = None if form is None else json.dumps(form).encode()
        with urllib.request.urlopen(url, body, timeout=WAIT_S, context=context) as reply:
            return json.load(reply)
