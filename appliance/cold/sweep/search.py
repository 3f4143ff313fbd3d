"""A sweep from request to result: its tasks, what is done already, and what it all amounts to."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.abi.units import NS_PER_S
from appliance.cold import certificate
from appliance.cold.backtest import metrics
from appliance.cold.backtest.request import Request
from appliance.cold.errors import ApplianceError
from appliance.cold.sweep.luck import SURE, deflated_sharpe
from appliance.cold.sweep.space import Params
from appliance.cold.sweep.task import Task

_DATE: Final = re.compile(r"(?<!\d)(20\d\d)-?([01]\d)-?([0-3]\d)(?!\d)")


@dataclass(frozen=True)
class Sweep:
    """Every parameter set on every period; each period begins flat and with all the capital."""

    tasks: tuple[Task, ...]  # by period, then by parameters
    periods: tuple[str, ...]
    params: tuple[Params, ...]
    metric: str
    sample_ns: int
    walk: tuple[int, int] | None  # periods to learn from, and to prove it on


def periods_of(files: Sequence[Path]) -> list[tuple[str, tuple[Path, ...]]]:
    """Files of a day by the date in their names; one without a date is a period by itself."""
    groups: dict[str, list[Path]] = {}
    for path in files:
        found = _DATE.search(path.name)
        name = "-".join(found.groups()) if found else path.name
        if not found and name in groups:
            name = str(path)
        groups.setdefault(name, []).append(path)
    return [(name, tuple(paths)) for name, paths in groups.items()]


def sweep_of(
    request: Request,
    strategy_source: Path,
    combinations: Sequence[Params],
    metric: str,
    walk: tuple[int, int] | None,
) -> Sweep:
    """ApplianceError: a file that cannot be read, or fewer periods than a walk needs."""
    periods = periods_of(request.wanted.files)
    if walk is not None and sum(walk) > len(periods):
        raise ApplianceError(
            f"--walk-forward {walk[0]}:{walk[1]}: there are only {len(periods)} periods"
        )
    strategy_sha256 = certificate.sha256_of(strategy_source)
    tasks = []
    for name, files in periods:
        wanted = replace(request.wanted, files=files)
        data = tuple(certificate.files_of(wanted.paths))
        for params in combinations:
            one = replace(request, wanted=wanted, params={**request.params, **params})
            tasks.append(Task(one, name, data, strategy_sha256))
    names = tuple(name for name, _ in periods)
    return Sweep(tuple(tasks), names, tuple(combinations), metric, request.sample_ns, walk)


# ---- what is done is kept ----------------------------------------------------------------------


class Results:
    """A file of results, a line each: a sweep that was ended goes on where it was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.found: dict[str, dict[str, Any]] = {}
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            self._file = path.open("a", encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a file of results"
            raise ApplianceError(f"--results {path}: {reason}") from None
        for line in lines:
            try:
                entry = json.loads(line)
                self.found[entry["key"]] = entry["result"]
            except (ValueError, KeyError, TypeError):
                continue  # the last one may be half a line
        if lines:
            self._file.write("\n")  # behind half a line too

    def add(self, task: Task, result: dict[str, Any]) -> None:
        self.found[task.key] = result
        self._file.write(json.dumps({"key": task.key, "result": result}) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


# ---- what it amounts to ------------------------------------------------------------------------


def _figures(returns: Any, sample_ns: int) -> dict[str, float | None]:
    """Of returns one after the other, as if the capital had grown with them."""
    returns = np.asarray(returns, np.float64)
    curve = np.concatenate(([1.0], np.cumprod(returns + 1)))
    periods = metrics.YEAR_S * NS_PER_S / sample_ns
    values = {
        "sharpe_ratio": metrics.sharpe_ratio(returns, periods),
        "total_return": metrics.total_return(curve),
        "max_drawdown": metrics.max_drawdown(curve),
        "sortino_ratio": metrics.sortino_ratio(returns, periods),
        "calmar_ratio": metrics.calmar_ratio(curve, periods),
    }
    return {name: float(value) if isfinite(value) else None for name, value in values.items()}


def summary(sweep: Sweep, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Plain values; ``results`` in the order of the tasks. It depends on nothing else."""
    count = len(sweep.params)
    by_params = [
        [results[period * count + k] for period in range(len(sweep.periods))] for k in range(count)
    ]
    rows = [_row(one, sweep) for one in by_params]
    order = sorted(range(count), key=lambda k: (-_rank(rows[k][sweep.metric]), k))
    best = order[0]
    told = {
        "metric": sweep.metric,
        "periods": list(sweep.periods),
        "trials": count,
        "runs": [rows[k] for k in order],
        "best": rows[best],
        "deflated_sharpe": _deflated(by_params, best),
    }
    if sweep.walk is not None:
        told["walk_forward"] = _walk(sweep, by_params)
    told["warnings"] = _warnings(told)
    return told


def _row(results: Sequence[dict[str, Any]], sweep: Sweep) -> dict[str, Any]:
    figures = [one["figures"] for one in results]
    return {
        "params": results[0]["params"],
        **_figures(_joined(results), sweep.sample_ns),
        "profit": sum(one["profit"] for one in figures),
        "fills": sum(one["fills"] for one in figures),
        "by_period": [_figures(one["returns"], sweep.sample_ns)[sweep.metric] for one in results],
    }


def _joined(results: Iterable[dict[str, Any]]) -> list[float]:
    return [one for result in results for one in result["returns"]]


def _rank(value: float | None) -> float:
    """What is not defined is behind everything."""
    return -float("inf") if value is None else value


def _deflated(by_params: Sequence[Sequence[dict[str, Any]]], best: int) -> float | None:
    sharpes = []
    for results in by_params:
        returns = np.asarray(_joined(results), np.float64)
        deviation = float(np.std(returns, ddof=1)) if len(returns) > 1 else 0.0
        sharpes.append(float(np.mean(returns)) / deviation if deviation > 0 else float("nan"))
    value = deflated_sharpe(_joined(by_params[best]), sharpes)
    return value if isfinite(value) else None


def _splits(periods_n: int, train: int, test: int) -> Iterator[tuple[range, range]]:
    for start in range(0, periods_n - train - test + 1, test):
        yield range(start, start + train), range(start + train, start + train + test)


def _walk(sweep: Sweep, by_params: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Any]:
    """What was best on some periods, on those behind them, again and again."""
    assert sweep.walk is not None
    steps, outside = [], []
    for train, test in _splits(len(sweep.periods), *sweep.walk):
        learnt = [
            _figures(_joined(one[p] for p in train), sweep.sample_ns)[sweep.metric]
            for one in by_params
        ]
        chosen = max(range(len(learnt)), key=lambda k: (_rank(learnt[k]), -k))
        returns = _joined(by_params[chosen][p] for p in test)
        outside += returns
        steps.append(
            {
                "train": [sweep.periods[p] for p in train],
                "test": [sweep.periods[p] for p in test],
                "params": by_params[chosen][0]["params"],
                "trained": learnt[chosen],
                "tested": _figures(returns, sweep.sample_ns)[sweep.metric],
            }
        )
    return {"steps": steps, "outside": _figures(outside, sweep.sample_ns)}


def _warnings(told: Mapping[str, Any]) -> list[str]:
    warnings = []
    sure = told["deflated_sharpe"]
    if told["trials"] > 1 and sure is None:
        warnings.append(
            "whether the best was lucky cannot be told: its Sharpe ratio is not defined"
        )
    elif told["trials"] > 1 and sure < SURE:
        warnings.append(
            f"the best of {told['trials']} is likely luck: the probability that its Sharpe ratio is"
            f" above what luck would give is {sure:.3f}; {SURE} is asked for"
        )
    walk = told.get("walk_forward")
    if walk and _rank(walk["outside"]["total_return"]) <= 0 < _rank(told["best"]["total_return"]):
        warnings.append("outside of what it was chosen on, the best did not earn anything")
    return warnings
