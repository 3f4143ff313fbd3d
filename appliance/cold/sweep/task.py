"""One backtest of a sweep, in whatever process it runs: here, a worker, a Dask worker elsewhere.

What it gives depends on the task alone. A process keeps the rows of the latest period, so that the
next parameters need not read it again.
"""

import functools
import hashlib
import json
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from appliance.cold import certificate
from appliance.cold.backtest.request import Request
from appliance.cold.backtest.wanted import Wanted
from appliance.cold.errors import ApplianceError

ROWS_KEPT_BYTES_MAX: Final = 512 << 20
FIGURES: Final = (
    *("total_return", "sharpe_ratio", "max_drawdown", "win_rate", "profit", "fees", "turnover"),
    *("orders", "fills", "round_trips", "days"),
)


@dataclass(frozen=True)
class Task:
    """Parameters on a period. ``data``: what the driver's files are, by certificate.files_of."""

    request: Request
    period: str
    data: tuple[Mapping[str, Any], ...]
    strategy_sha256: str

    @property
    def key(self) -> str:
        """Of everything that the result depends on."""
        one = self.request
        told = {
            "code": _code_sha256(),
            "version": certificate.package_version(),
            "strategy": self.strategy_sha256,
            "params": dict(one.params),
            "data": [dict(file) for file in self.data],
            "market": int(one.wanted.market),
            "symbols": one.wanted.symbols,
            "limits": _file_sha256(one.limits),
            "latency": [one.latency, _file_sha256(one.latency.removeprefix("drawn:"))],
            "assumptions": one.assumptions,
            "capital_e8": one.capital_e8,
            "sample_ns": one.sample_ns,
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@functools.cache
def _code_sha256() -> str:
    """Of all that makes figures; a process runs the code that it began with."""
    return certificate.code_sha256(("abi", "hot", "cold"))


def _file_sha256(name: str | None) -> str | None:
    if name is None or not Path(name).is_file():
        return None
    return certificate.sha256_of(Path(name))


def run_task(task: Task) -> dict[str, Any]:
    """Figures, and the returns. ApplianceError: a wrong request, or other files than the driver's.

    One at a time in a process: a strategy and its compiled loop are the process's.
    """
    with _lock:
        return _state.run(task)


class _State:
    """Of this process."""

    def __init__(self) -> None:
        self._strategy: tuple[str, Any] | None = None  # source and hash, and the loaded one
        self._checked: dict[tuple[str, int, int], str] = {}
        self._period: tuple[Wanted, Any, Any] | None = None

    def run(self, task: Task) -> dict[str, Any]:
        request = task.request
        self._check_files(task)
        strategy = self._loaded(task)
        from appliance.cold.backtest import run_backtest
        from appliance.cold.backtest.metrics import returns_of
        from appliance.cold.backtest.results import curve_of
        from appliance.cold.replay_command import Screen

        plan = run_backtest.plan_of(request, strategy)
        screen = Screen(quiet=True)
        instruments, history = self._rows(request, plan, screen)
        plan = replace(plan, history=history)
        outcome = run_backtest.run(plan, instruments, screen, warm=True)
        curve = curve_of(outcome.noted, outcome.ledger)
        return {
            "period": task.period,
            "params": dict(strategy.values),
            "figures": {name: outcome.result[name] for name in FIGURES},
            "returns": returns_of(curve).tolist(),
        }

    def _check_files(self, task: Task) -> None:
        """The files here are those that the driver has."""
        for path, told in zip(task.request.wanted.paths, task.data, strict=True):
            try:
                stat = path.stat()
            except OSError as error:
                raise ApplianceError(f"{path}: {error.strerror}") from None
            known = (str(path), stat.st_size, stat.st_mtime_ns)
            if known not in self._checked:
                self._checked[known] = certificate.sha256_of(path)
            if self._checked[known] != told["sha256"]:
                raise ApplianceError(f"{path}: not the file that the sweep was started with")

    def _loaded(self, task: Task) -> Any:
        """The strategy with the task's parameters; its module is imported once."""
        from appliance.cold import compile_cache, strategy_loader

        source = strategy_loader.source_of(task.request.strategy)
        if certificate.sha256_of(source) != task.strategy_sha256:
            raise ApplianceError(f"{source}: not the strategy that the sweep was started with")
        name = f"{source} {task.strategy_sha256}"
        if self._strategy is None:
            if "numba" in sys.modules:
                raise ApplianceError("this worker has compiled something else: start it anew")
            compile_cache.prepare(source, compile_cache.HISTORY)
            loaded = strategy_loader.load_strategy(task.request.strategy, task.request.params)
            self._strategy = name, loaded
        if self._strategy[0] != name:
            raise ApplianceError("this worker has compiled another strategy: start it anew")
        return strategy_loader.with_params(self._strategy[1], task.request.params)

    def _rows(self, request: Request, plan: Any, screen: Any) -> tuple[Any, Any]:
        """Instruments and history of the period, from memory where they fit."""
        if self._period is not None and self._period[0] == request.wanted:
            return self._period[1:]
        from appliance.cold.backtest import run_backtest
        from appliance.cold.backtest.history import kept

        self._period = None
        instruments = run_backtest.learn(plan, screen)
        history = kept(plan.history, instruments, ROWS_KEPT_BYTES_MAX)
        self._period = request.wanted, instruments, history
        return instruments, history


_lock: Final = threading.Lock()
_state: Final = _State()
