"""Finds a strategy, checks it, and turns its PARAMS and STATE into records."""

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from appliance.abi.layout import records
from appliance.abi.limits import PARAMS_MAX
from appliance.abi.market import MARKET, Event
from appliance.abi.strategy import OWN
from appliance.abi.units import INT64_MAX, NS_PER_MS, NS_PER_S
from appliance.cold.errors import ApplianceError
from appliance.cold.strategy_source import check_source, reads_levels

BUILT_IN: Final = {
    "market_maker": "appliance.hot.strategy.market_maker",
    "imbalance_taker": "appliance.hot.strategy.imbalance_taker",
    "idle": "appliance.hot.strategy.idle",
}
ARGUMENTS: Final = ("view", "own", "params", "state", "orders")
ALL_EVENTS: Final = sum(1 << event for event in Event)
TIMER_LEAST_NS: Final = NS_PER_MS
TIMER_MOST_NS: Final = 60 * NS_PER_S
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*\Z")


@dataclass(frozen=True)
class Strategy:
    """A strategy ready to be bound: its function, its parameters as one record, its state."""

    name: str
    source: Path
    on_market: Callable[..., None]
    params: Any  # one record
    values: dict[str, int | float]
    state_dtype: "np.dtype[np.void]"
    events: int = ALL_EVENTS  # bits by Event
    timer_ns: int = 0  # 0: none
    reads_levels: bool = True


def source_of(name: str) -> Path:
    """The file of a strategy: a name of BUILT_IN or a path. Imports nothing of Numba."""
    if name in BUILT_IN:
        relative = BUILT_IN[name].replace(".", "/") + ".py"
        return Path(__file__).resolve().parents[2] / relative
    path = Path(name)
    if not path.is_file():
        known = ", ".join(sorted(BUILT_IN))
        raise ApplianceError(
            f"no strategy {name!r}: give one of {known}, or the path of a .py file"
        )
    return path.resolve()


def load_strategy(name: str, assignments: Mapping[str, str]) -> Strategy:
    """The strategy ``name`` with ``assignments`` of parameters (texts) over its defaults.

    Raises ApplianceError for whatever is wrong with the module or the parameters.
    """
    source = source_of(name)
    module = _import(name, source)
    label = source.name
    on_market = getattr(module, "on_market", None)
    if not inspect.isfunction(on_market):
        raise ApplianceError(f"{label}: there is no function on_market({', '.join(ARGUMENTS)})")
    given = tuple(inspect.signature(on_market).parameters)
    if given != ARGUMENTS:
        raise ApplianceError(
            f"{label}:{on_market.__code__.co_firstlineno}: on_market takes ({', '.join(given)}); "
            f"it must take ({', '.join(ARGUMENTS)})"
        )
    values = _values(label, getattr(module, "PARAMS", {}), assignments)
    state = getattr(module, "STATE", {})
    if not isinstance(state, dict):
        raise ApplianceError(f"{label}: STATE must be a dict of names and first values")
    params = records(1, _dtype(label, "PARAMS", values))
    for key, value in values.items():
        params[0][key] = value
    check_source(
        source,
        {
            "view": MARKET.names or (),
            "own": OWN.names or (),
            "params": tuple(values),
            "state": tuple(state),
        },
    )
    timer_ns = _timer(label, getattr(module, "TIMER_NS", 0))
    return Strategy(
        source.stem,
        source,
        on_market,
        params,
        values,
        _dtype(label, "STATE", state),
        _events(label, getattr(module, "EVENTS", tuple(Event)), timer_ns),
        timer_ns,
        reads_levels(source),
    )


def with_params(strategy: Strategy, assignments: Mapping[str, str]) -> Strategy:
    """The same strategy with other parameters over its defaults. ApplianceError."""
    label = strategy.source.name
    module = sys.modules[strategy.on_market.__module__]
    values = _values(label, getattr(module, "PARAMS", {}), assignments)
    params = records(1, strategy.params.dtype)
    for key, value in values.items():
        params[0][key] = value
    return replace(strategy, params=params, values=values)


def _timer(label: str, period_ns: Any) -> int:
    if period_ns == 0:
        return 0
    if type(period_ns) is not int or not TIMER_LEAST_NS <= period_ns <= TIMER_MOST_NS:
        raise ApplianceError(
            f"{label}: TIMER_NS is {period_ns!r}; it may be {TIMER_LEAST_NS} to {TIMER_MOST_NS}"
        )
    return period_ns


def _events(label: str, events: Any, timer_ns: int) -> int:
    known = ", ".join(event.name for event in Event)
    if (
        not isinstance(events, tuple)
        or not events
        or any(one not in tuple(Event) for one in events)
    ):
        raise ApplianceError(f"{label}: EVENTS must be a tuple of some of {known}")
    bits = sum(1 << one for one in {int(one) for one in events})
    if timer_ns == 0 and set(events) == {Event.TIMER}:
        raise ApplianceError(f"{label}: EVENTS asks for a timer only, and there is no TIMER_NS")
    if timer_ns != 0 and not bits >> Event.TIMER & 1:
        raise ApplianceError(f"{label}: there is a TIMER_NS, and no TIMER among its EVENTS")
    return bits


def make_state(strategy: Strategy, count: int) -> Any:
    """STATE records of ``count`` instruments, at their first values."""
    made = records(count, strategy.state_dtype)
    module_state = getattr(sys.modules[strategy.on_market.__module__], "STATE", {})
    for key, value in module_state.items():
        made[key] = value
    return made


def _import(name: str, source: Path) -> ModuleType:
    if name in BUILT_IN:
        return importlib.import_module(BUILT_IN[name])
    spec = importlib.util.spec_from_file_location(f"lonecore_strategy_{source.stem}", source)
    if spec is None or spec.loader is None:
        raise ApplianceError(f"{source}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the user's own code: whatever it raises is the answer
        line = _line_in(error, source)
        raise ApplianceError(f"{source.name}{line}: {type(error).__name__}: {error}") from None
    return module


def _line_in(error: BaseException, source: Path) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f":{error.lineno}"
    trace = error.__traceback__
    line = ""
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == source:
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line


def _values(label: str, params: Any, assignments: Mapping[str, str]) -> dict[str, int | float]:
    if not isinstance(params, dict) or len(params) > PARAMS_MAX:
        raise ApplianceError(f"{label}: PARAMS must be a dict of at most {PARAMS_MAX} Param(..)")
    values: dict[str, int | float] = {}
    for key, param in params.items():
        if not isinstance(param, tuple) or len(param) != 4:
            raise ApplianceError(
                f"{label}: PARAMS[{key!r}] must be Param(default, least, greatest, ..)"
            )
        values[key] = _checked(label, key, param, param[0])
    for key, text in assignments.items():
        if key not in params:
            known = ", ".join(params) or "none"
            raise ApplianceError(f"{label}: no parameter {key!r}; there are: {known}")
        kind = type(params[key][0])
        try:
            value = kind(text)
        except ValueError:
            raise ApplianceError(f"{label}: {key}={text}: not {_kind_name(kind)}") from None
        values[key] = _checked(label, key, params[key], value)
    return values


def _kind_name(kind: type) -> str:
    return "a whole number" if kind is int else "a number"


def _checked(label: str, key: str, param: Any, value: Any) -> int | float:
    default, least, greatest = param[:3]
    if any(type(number) not in (int, float) for number in (default, least, greatest)):
        raise ApplianceError(
            f"{label}: PARAMS[{key!r}]: default, least and greatest must be ints or floats"
        )
    if not least <= value <= greatest:  # also refuses NaN
        raise ApplianceError(f"{label}: {key} is {value}; it may be {least} to {greatest}")
    checked: int | float = value
    return checked


def _dtype(label: str, which: str, values: Mapping[str, Any]) -> "np.dtype[np.void]":
    """One 8-byte field a name; a record of its own even when there are none."""
    fields = []
    for key, value in values.items():
        if not _NAME.match(str(key)) or type(value) not in (int, float):
            raise ApplianceError(f"{label}: {which}[{key!r}] must be a plain name with a number")
        if type(value) is int and abs(value) > INT64_MAX:
            raise ApplianceError(f"{label}: {which}[{key!r}] is {value}, more than an int64 holds")
        fields.append((key, "<i8" if type(value) is int else "<f8"))
    return np.dtype(fields or [("nothing", "<i8")], align=True)
