"""A strict schema of a dashboard, out of the SDK's own types: every key is known, every value is of
the type that the SDK's models say, panel options and field configurations included."""

import enum
import json
import types
import typing
from typing import Any, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import Dashboard

register_default_plugins()
_DATA_QUERIES: Final = ("targets", "target")  # of a data source that the SDK does not know


def faults(told: dict[str, Any]) -> list[str]:
    """What is wrong with a dashboard, a line each."""
    told = _without_queries(told)
    try:
        made = Dashboard.from_json(json.loads(json.dumps(told)))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return [f"it cannot be read: {error!r}"]
    again = json.loads(json.dumps(made, cls=JSONEncoder))
    return [*_lost(told, again, ""), *_of_object(made, "")]


def _without_queries(told: Any) -> Any:
    if isinstance(told, dict):
        return {k: _without_queries(v) for k, v in told.items() if k not in _DATA_QUERIES}
    return [_without_queries(one) for one in told] if isinstance(told, list) else told


def _lost(told: Any, again: Any, where: str) -> list[str]:
    """What a round trip changes: keys that the models do not have."""
    if isinstance(told, dict) and isinstance(again, dict):
        found = [f"{where}.{key} is unknown" for key in told if key not in again]
        for key in told.keys() & again.keys():
            found += _lost(told[key], again[key], f"{where}.{key}")
        return found
    if isinstance(told, list) and isinstance(again, list) and len(told) == len(again):
        return [
            line
            for k, (one, other) in enumerate(zip(told, again, strict=True))
            for line in _lost(one, other, f"{where}[{k}]")
        ]
    return [] if told == again else [f"{where} is {told!r}, and comes back as {again!r}"]


def _of_object(made: Any, where: str) -> list[str]:
    found = []
    for name, hint in typing.get_type_hints(type(made).__init__).items():
        if name != "return" and hasattr(made, name):
            found += _of_value(getattr(made, name), hint, f"{where}.{name}")
    return found


def _of_value(value: Any, hint: Any, where: str) -> list[str]:
    if hint in (object, Any) or hint is Dataquery:
        is_model = type(value).__module__.startswith("grafana_foundation_sdk.models")
        return _of_object(value, where) if is_model else []
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        tried = [_of_value(value, one, where) for one in inner]
        return min(tried, key=len)
    if origin is list:
        if not isinstance(value, list):
            return [f"{where} is {value!r}, no list"]
        parts = [_of_value(one, inner[0], f"{where}[{k}]") for k, one in enumerate(value)]
        return [line for part in parts for line in part]
    if origin is dict:
        if not isinstance(value, dict):
            return [f"{where} is {value!r}, no map"]
        parts = [_of_value(one, inner[1], f"{where}.{key}") for key, one in value.items()]
        return [line for part in parts for line in part]
    if origin is typing.Literal:
        return [] if value in inner else [f"{where} is {value!r}"]
    return _of_plain(value, origin or hint, where)


def _of_plain(value: Any, hint: Any, where: str) -> list[str]:
    if hint is float:
        hint = (int, float)
    is_wrong_flag = isinstance(value, bool) and hint is not bool
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return [] if value in {one.value for one in hint} else [f"{where} is {value!r}"]
    if is_wrong_flag or not isinstance(value, hint):
        return [f"{where} is {value!r}"]
    return _of_object(value, where) if hasattr(value, "to_json") else []
