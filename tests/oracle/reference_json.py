"""JSON as strictly as simdjson reads it, out of the standard library, with every pair kept."""

import json
import math
import sys
from typing import Any

from appliance.abi.limits import FRAME_BYTES_MAX

DEEPEST = 1023  # non-empty lists and objects within one another


class Refusal(Exception):
    pass


class Pairs(list[tuple[str, Any]]):
    """An object with all its members, in their order."""

    def has(self, *keys: str) -> bool:
        return all(self.times(key) for key in keys)

    def times(self, key: str) -> int:
        return sum(1 for name, _ in self if name == key)

    def first(self, key: str) -> Any:
        for name, value in self:
            if name == key:
                return value
        raise Refusal(f"missing {key}")


def read_json(frame: bytes) -> Any:
    if len(frame) > FRAME_BYTES_MAX:
        raise Refusal("too long")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 3 * DEEPEST)
    try:
        document = json.loads(
            frame.removeprefix(b"\xef\xbb\xbf").decode("utf-8"),
            object_pairs_hook=Pairs,
            parse_int=_sound_integer,
            parse_float=_sound_float,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError) as error:
        raise Refusal(f"not JSON: {error}") from None
    finally:
        sys.setrecursionlimit(limit)
    _check_depth_and_text(document)
    return document


def _sound_integer(text: str) -> int:
    value = int(text)
    if value < -(2**63) or value >= 2**64:
        raise Refusal("integer too large")
    return value


def _sound_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise Refusal("float too large")
    return value


def _no_constant(text: str) -> None:
    raise Refusal(f"{text} is not JSON")


def _check_depth_and_text(document: Any) -> None:
    """The standard library lets lone surrogates and any depth through."""
    pending = [(document, 1)]
    while pending:
        value, depth = pending.pop()
        if type(value) is str and any("\ud800" <= c <= "\udfff" for c in value):
            raise Refusal("lone surrogate")
        if type(value) not in (list, Pairs) or not value:
            continue
        if depth > DEEPEST:
            raise Refusal("too deep")
        if type(value) is Pairs:
            pending += [(key, depth) for key, _ in value]
            pending += [(inner, depth + 1) for _, inner in value]
        else:
            pending += [(inner, depth + 1) for inner in value]
