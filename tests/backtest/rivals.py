"""hftbacktest and our engine as two processes that answer in turns, over the same recording."""

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.extra_environment import ROOT, interpreter

RECORDED: Final = "hftbacktest/examples/usdm/btcusdt_20240808.gz"
PEER: Final = Path(__file__).with_name("peer.py")
# Of the venue, the strategy, and the range of prices that hftbacktest is to keep.
COMMON: Final = {
    "maker_fee": 0.0002,
    "taker_fee": 0.0007,
    "tick": 0.1,
    "lot": 0.001,
    "price": 61_800,
    "low": 40_000,
    "high": 80_000,
    "half_ticks": 5,
    "quantity": 0.01,
    "power": 3.0,
}


def recording() -> Path:
    path = ROOT.parent / "shared" / "data" / RECORDED
    if not path.exists():
        pytest.skip(f"no recording {path}")
    return path


def converted(folder: Path) -> Path:
    """The recording as hftbacktest's own converter writes it."""
    python, out = interpreter("hftbacktest", "--no-deps"), folder / "session.npz"
    subprocess.run([python, PEER, "convert", recording(), out], check=True, capture_output=True)
    return out


class Rival(AbstractContextManager["Rival"]):
    """One of the two, over a file of events and with settings beside COMMON."""

    def __init__(self, name: str, data: Path, folder: Path, **settings: Any) -> None:
        file = folder / f"{name}.json"
        file.write_text(json.dumps({**COMMON, **settings}))
        command = [sys.executable, "-m", "tests.backtest.ours"]
        environment = dict(os.environ)
        if name == "peer":
            command = [str(interpreter("hftbacktest", "--no-deps")), str(PEER), "serve"]
            environment.pop("NUMBA_CACHE_DIR", None)
            environment.pop("NUMBA_DISABLE_JIT", None)
        self._process = subprocess.Popen(
            [*command, str(data), str(file)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        word, rows_n = self._line().split()
        assert word == "ready"
        self.rows_n = int(rows_n)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def _ask(self, word: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return json.loads(self._line())

    def time_s(self) -> float:
        """A run, without its preparations."""
        return float(self._ask("time"))

    def trace(self) -> dict[str, Any]:
        """Orders, fills and the end of a run."""
        told: dict[str, Any] = self._ask("trace")
        return told
