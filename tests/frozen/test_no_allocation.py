"""The compiled loop takes frames without allocating, compiling or calling into Python.

One process of its own: Numba counts allocations only if it is told to before it is imported, and
the code can be looked at only if it was compiled, not loaded.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.hot.jit import JIT_DISABLED

ROOT = Path(__file__).parents[2]
BOUNDS_CHECKED = os.environ.get("NUMBA_BOUNDSCHECK", "0") not in ("", "0")

SCRIPT = """
import json
import re

from numba.core import event
from numba.core.runtime import rtsys

from appliance.abi.layout import records
from appliance.abi.market import INSTRUMENT, symbol_words
from appliance.cold.boot import compile_loop, make_core
from appliance.cold.strategy_loader import load_strategy
from appliance.cold.warm_up import warm_up
from appliance.hot.rings import make_rings
from appliance.hot.telemetry import make_telemetry


class Compilations(event.Listener):
    names = []

    def on_start(self, told):
        self.names.append(told.data["dispatcher"].py_func.__name__)

    def on_end(self, told):
        pass


instrument = records(1, INSTRUMENT)
instrument[0].symbol[:] = symbol_words("BTCUSDT")
instrument[0].price_grid_e8 = 10**6
instrument[0].quantity_grid_e8 = 10**3
instrument[0].price_decimals = 2
instrument[0].quantity_decimals = 5
strategy = load_strategy("market_maker", {})
core = make_core(instrument, ["BTCUSDT"], strategy, make_telemetry(1), make_rings(), epoch=1)
run = compile_loop(core, strategy)
warm_up(run, strategy, (0, 0))  # compiles what the cold side calls, too
event.register("numba:compile", Compilations())
allocated = [0, 0]
runs = [0]


def counted(core):
    before = rtsys.get_allocation_stats()
    left = run(core)
    after = rtsys.get_allocation_stats()
    allocated[0] += after.alloc - before.alloc
    allocated[1] += after.mi_alloc - before.mi_alloc
    runs[0] += 1
    return left


frames = warm_up(counted, strategy, (0, 0))
code = run.inspect_llvm(run.signatures[0])
calls = {}
definition = r'^define[^\\n]*? @"?([^"(]+)"?\\(([^\\n]*\\n(?:.|\\n)*?)^}'
for name, body in re.findall(definition, code, re.M):
    calls[name] = set(re.findall(r'(?:call|invoke) [^\\n]*?@"?([^"(]+)"?\\(', body))
(result,) = run.overloads.values()
called = set()  # from the loop itself: the same module holds its entry for Python
ahead = {result.fndesc.llvm_func_name}
while ahead:
    called |= ahead
    ahead = {other for name in ahead for other in calls.get(name, ())} - called
print(json.dumps({
    "frames": frames,
    "runs": runs[0],
    "allocated": allocated,
    "compiled": Compilations.names,
    "signatures": len(run.signatures),
    "called": sorted(called),
}))
"""


@pytest.fixture(scope="module")
def told() -> Any:
    if JIT_DISABLED or BOUNDS_CHECKED:
        pytest.skip("about the loop as it is compiled for use")
    environment = {**os.environ, "NUMBA_NRT_STATS": "1", "PYTHONPATH": str(ROOT)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_frames_allocate_nothing(told: Any) -> None:
    assert told["frames"] > 0
    assert told["runs"] > 1
    assert told["allocated"] == [0, 0]


def test_frames_compile_nothing(told: Any) -> None:
    assert told["compiled"] == []
    assert told["signatures"] == 1


def test_the_machine_code_calls_no_allocator_and_no_python(told: Any) -> None:
    # what is kept out of line is found, so other calls would be
    assert any("resolve_escapes" in name for name in told["called"])
    forbidden = ("NRT_", "Py", "_Py", "numba_", "malloc", "calloc", "realloc", "free", "_Zn")
    assert not [name for name in told["called"] if name.startswith(forbidden)]
