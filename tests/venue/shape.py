"""The shape of a JSON message: its keys in their order, and what kind of value each has.

Two messages of one shape cannot be told apart by a client that knows nothing of their figures.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

Pairs = list[tuple[str, Any]]
Shape = dict[str, frozenset[str]]  # kinds of value by path, in the order of the keys

_DECIMAL = re.compile(r"-?\d+(?:\.(\d+))?")


class _Object:
    def __init__(self, pairs: Pairs) -> None:
        names = [name for name, _ in pairs]
        assert len(set(names)) == len(names), f"a key comes twice: {names}"
        self.pairs = pairs


def shape_of(texts: Iterable[str | bytes]) -> Shape:
    """Of all messages together. A key that some of them lack has the kind ``-`` too."""
    shape: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    total = 0
    for text in texts:
        total += 1
        one: dict[str, set[str]] = {}
        _gather(json.loads(text, object_pairs_hook=_Object), "", one)
        for path, kinds in one.items():
            shape.setdefault(path, set()).update(kinds)
            counts[path] = counts.get(path, 0) + 1
    assert total, "no message of this kind"
    for path, count in counts.items():
        if count < total and "[]" not in path:
            shape[path].add("-")
    return {path: frozenset(shape[path]) for path in _in_tree_order(list(shape))}


def _in_tree_order(paths: list[str]) -> list[str]:
    """What is in a list right behind the list, though it was empty where it was first seen."""
    first_seen: dict[str, int] = {}

    def rank(path: str) -> tuple[int, ...]:
        ends = [at for at, letter in enumerate(path) if letter in ".[" and at] + [len(path)]
        return tuple(first_seen.setdefault(path[:end], len(first_seen)) for end in ends)

    ranks = {path: rank(path) for path in paths}
    return sorted(paths, key=ranks.__getitem__)


def _gather(value: Any, path: str, shape: dict[str, set[str]]) -> None:
    if isinstance(value, _Object):
        for name, inner in value.pairs:
            _gather(inner, f"{path}.{name}", shape)
    elif isinstance(value, list):
        shape.setdefault(path, set()).add("array")
        # a level is a pair of decimals: its places differ in kind
        is_level = len(value) == 2 and all(_kind(inner).startswith("decimal") for inner in value)
        for at, inner in enumerate(value):
            place = at if is_level else ""
            _gather(inner, f"{path}[{place}]", shape)
    else:
        shape.setdefault(path, set()).add(_kind(value))


def _kind(value: Any) -> str:
    """Of anything that is no object and no array."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        # a stamp: 13 digits of ms; anything else is a count or an id
        return "ms" if 10**12 <= value < 10**13 and str(value).startswith("1") else "integer"
    if isinstance(value, str):
        found = _DECIMAL.fullmatch(value)
        return f"decimal.{len(found[1] or '')}" if found else "text"
    return type(value).__name__


def without(shape: Shape, additions: Iterable[str]) -> Shape:
    """The shape less keys that the recording is too old for."""
    left = set(additions)
    assert left <= set(shape), f"not there at all: {left - set(shape)}"
    return {path: kinds for path, kinds in shape.items() if path not in left}
