"""Tick to trade with the loop's telemetry, or with it compiled out.

``python -m benchmarks.telemetry_share on|off RECORDING`` plays the recording once for each line on
standard input and answers with ``orders p50 p99``, in cycles. Frames come one by one, with a little
quiet between them: the next one does not wait for what was told of the last. Both write down each
order's span in the same way, when it has left; "off" is the same source without its counters, its
notes of spans, what is told of them, the readings of the clock that nobody needs then, and the
reports.
"""

import ast
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

# What is compiled here goes by the name of the source that it was made from: it must not be kept.
os.environ.pop("NUMBA_CACHE_DIR", None)

METER_WORD: Final = 7  # of Notes.words
METER_MAX: Final = 1 << 17
QUIET_CYCLES: Final = (
    8000  # between an order and the next frame, as on a busy day and not in a loop
)
NOTES: Final = "appliance.hot.notes"
CALLS: Final = (
    "begin_frame",
    "stage_begins",
    "stage_over",
    "note_span",
    "note_hiccup",
    "beat",
    "report_one",
)
_METER: Final = f"""

from appliance.hot.cpu import cycles


@hot_inline
def meter(notes, span_cycles):
    n = notes.words[{METER_WORD}]
    if n < {METER_MAX}:
        notes.spans[SPANS_MAX + n, 1] = span_cycles
        notes.words[{METER_WORD}] = n + 1
    began = cycles()
    while cycles() - began < {QUIET_CYCLES}:
        pass
"""
_OFF: Final = """

@hot_inline
def tell_notes(core):
    if core.notes.words[_SENT_N] != 0:
        _tell_meter(core.notes)


@hot
def _tell_meter(notes):
    for n in range(notes.words[_SENT_N]):
        meter(notes, notes.sent[n, 1])
    notes.words[_SENT_N] = 0
"""


def metered(source: str, *, telemetry: bool) -> str:
    """notes.py, which also writes each span down. ValueError: it is not the file that it was."""
    rows = "np.zeros((SPANS_MAX, 2), np.int64)"
    told = "        _tell_sent(telemetry, seen[0], orders, notes.sent[n, 0], latency_ns)\n"
    for known in (rows, told, "_SENT_N"):
        if known not in source:
            raise ValueError(f"{NOTES} has no {known.strip()!r} any more")
    source = source.replace(rows, f"np.zeros((SPANS_MAX + {METER_MAX}, 2), np.int64)")
    if not telemetry:
        return source + _METER + _OFF
    return source.replace(told, f"{told}        meter(notes, notes.sent[n, 1])\n") + _METER


class WithoutTelemetry(ast.NodeTransformer):
    """What the loop does for telemetry alone, taken out."""

    def __init__(self) -> None:
        self.removed_n = 0

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in CALLS:
            return self._nothing(node)
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in CALLS:
            return self._nothing(node)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        base = node.target.value if isinstance(node.target, ast.Subscript) else None
        name = getattr(base, "attr", getattr(base, "id", ""))
        return self._nothing(node) if name == "counters" else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        before_n = -1
        while before_n != self.removed_n:  # one reading may only serve the next
            before_n = self.removed_n
            used = {
                one.id
                for one in ast.walk(node)
                if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)
            }
            node = _NoDeadClock(self, used).visit(node)
        return node

    def _nothing(self, node: ast.stmt) -> ast.AST:
        self.removed_n += 1
        return ast.copy_location(ast.Pass(), node)


class _NoDeadClock(ast.NodeTransformer):
    """Readings of the clock that nobody looks at."""

    def __init__(self, whole: WithoutTelemetry, used: set[str]) -> None:
        self._whole, self._used = whole, used

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target, call = node.targets[0], node.value
        is_clock = isinstance(call, ast.Call) and getattr(call.func, "id", "") == "cycles"
        if is_clock and isinstance(target, ast.Name) and target.id not in self._used:
            return self._whole._nothing(node)
        return node


def transformed(name: str, source: str, path: str, *, telemetry: bool) -> tuple[Any, int]:
    """The code of a module of the loop, and how much was taken out of it."""
    if name == NOTES:
        source = metered(source, telemetry=telemetry)
    tree = ast.parse(source, path)
    without = WithoutTelemetry()
    if not telemetry and name != "appliance.hot.telemetry":
        tree = ast.fix_missing_locations(without.visit(tree))
    return compile(tree, path, "exec"), without.removed_n


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads the modules of the loop transformed."""

    def __init__(self, *, telemetry: bool) -> None:
        self._telemetry = telemetry
        self.removed_n = 0

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith("appliance.hot."):
            return None
        found = importlib.machinery.PathFinder.find_spec(fullname, path)
        if found is None or found.origin is None or found.submodule_search_locations:
            return found
        return importlib.util.spec_from_file_location(fullname, found.origin, loader=self)

    def create_module(self, _spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        path = str(module.__file__)
        source = Path(path).read_text()
        code, removed_n = transformed(module.__name__, source, path, telemetry=self._telemetry)
        self.removed_n += removed_n
        exec(code, module.__dict__)


def main(how: str, recording: str) -> None:
    finder = Finder(telemetry=how == "on")
    sys.meta_path.insert(0, finder)
    import numpy as np

    from appliance.cold import recording as recordings
    from appliance.cold import warm_up
    from benchmarks import spine
    from benchmarks.always import __file__ as always

    def rehearsed(*words: Any) -> None:
        """Warm; whether the loop did what it should it cannot say without its counters."""
        with contextlib.suppress(warm_up.WarmUpError):
            warm_up.warm_up(*words)

    spine.warm_up = rehearsed
    whole = recordings.load([recording])
    wanted = spine.has(whole, b"bookTicker") | (whole.is_rest != 0)
    first = int(np.flatnonzero(whole.is_rest)[0]) + 20
    wanted[:first] |= spine.has(whole, b'"U":')[:first]
    made = spine.Spine(spine.only(whole, wanted), str(always), wide=True)
    made.play()
    print("ready", finder.removed_n, flush=True)
    for _ in sys.stdin:
        made.play()
        notes = made.core.notes
        count = int(notes.words[METER_WORD])
        spans = notes.spans[len(notes.spans) - METER_MAX :][:count, 1]
        p50, p99 = np.percentile(spans, [50, 99])
        print(count, p50, p99, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
