"""The decorator: what Python calls and what compiled code calls, and the same answers from both.

Under test: appliance.hot.one_module.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
import pytest
from numba.core import config, event

from appliance.hot import jit
from appliance.hot.jit import JIT_DISABLED, hot, hot_inline, hot_part, out_of_line

compiled_only = pytest.mark.skipif(JIT_DISABLED, reason="nothing is compiled")
ROOT = Path(__file__).parents[2]


@hot
def far(words, k):
    out_of_line()
    words[1] += 1
    return words[0] * k


@hot_inline
def near(words, k):
    return far(words, k) + 1


@hot_part
def part(words):
    return near(words, 3) + far(words, 5)


@hot
def whole(words):
    return part(words) - 1


def fresh() -> Any:
    return np.array([7, 0], np.int64)


def test_each_may_be_called_from_python_and_from_each_other() -> None:
    words = fresh()
    assert far(words, 2) == 14
    assert near(words, 2) == 15
    assert part(words) == 22 + 35
    assert whole(words) == 56
    assert words[1] == 1 + 1 + 2 + 2


@compiled_only
def test_the_pinned_numba_is_the_one_that_is_known() -> None:
    assert numba.__version__ == jit.KNOWN_NUMBA


@compiled_only
def test_what_only_compiled_code_calls_has_no_machine_code_of_its_own() -> None:
    @hot
    def inner(words):
        return words[0] + 2

    @hot
    def outer(words):
        return inner(words) * 2

    assert outer(fresh()) == 18
    assert list(outer.overloads) and not inner.overloads
    (result,) = inner.called.overloads.values()
    assert not result.library._compiled
    assert inner(fresh()) == 9


@compiled_only
def test_out_of_line_stays_a_call() -> None:
    whole(fresh())
    code = whole.inspect_llvm(whole.signatures[0])
    defined = [line for line in code.splitlines() if line.startswith("define")]
    assert any("3far" in line for line in defined)
    assert not any("4near" in line or "4part" in line for line in defined)


@compiled_only
def test_another_numba_compiles_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "KNOWN_NUMBA", "0")

    @hot
    def plain(words):
        return near(words, 4)

    assert not hasattr(plain, "called")
    assert plain(fresh()) == 29


@compiled_only
def test_what_allocates_does_not_compile() -> None:
    @hot
    def allocates(n):
        return np.zeros(n, np.int64)

    with pytest.raises(numba.core.errors.NumbaError):
        allocates(3)


@compiled_only
def test_each_signature_is_compiled_once() -> None:
    seen: list[str] = []

    class Listener(event.Listener):
        def on_start(self, told: Any) -> None:
            seen.append(told.data["dispatcher"].py_func.__name__)

        def on_end(self, told: Any) -> None:
            pass

    @hot
    def leaf(words):
        return words[0]

    @hot
    def twice(words):
        return leaf(words) + leaf(words)

    @hot
    def again(words):
        return leaf(words)

    listener = Listener()
    event.register("numba:compile", listener)
    try:
        assert twice(fresh()) + again(fresh()) == 21
        twice(fresh())
    finally:
        event.unregister("numba:compile", listener)
    assert sorted(seen) == ["again", "leaf", "twice"]


SCRIPT = """
import json
import numpy as np
from numba.core import config, event
from tests.unit.test_jit import whole

class Listener(event.Listener):
    n = 0
    def on_start(self, told):
        self.n += 1
    def on_end(self, told):
        pass

listener = Listener()
event.register("numba:compile", listener)
print(json.dumps([int(whole(np.array([7, 0], np.int64))), listener.n]))
"""


@compiled_only
def test_the_cache_gives_the_whole_without_its_parts(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}

    def run() -> Any:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    value, compiled_n = run()
    assert value == 56
    assert compiled_n >= 4
    assert run() == [56, 0]


@pytest.mark.parametrize(
    ("told", "has"),
    [("+sse4.2,+avx2", True), ("+sse4.2", False), ("-avx2", False), ("", False)],
)
def test_a_processor_that_numba_was_told_of(told: str, has: bool, monkeypatch) -> None:
    """What is made for another must not have instructions of this one."""
    monkeypatch.setattr(config, "CPU_FEATURES", told)
    assert jit.target_has("avx2") == has
    monkeypatch.setattr(config, "CPU_FEATURES", None)
    assert jit.target_has("avx2") == bool(llvm.get_host_cpu_features().get("avx2", False))
