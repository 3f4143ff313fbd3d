"""``appliance bench`` twice on one host agrees with itself; a spinner on the loop's core shows.

Of about thirty figures a 99 % interval leaves out one in three comparisons by chance alone.
"""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.live.venue_process import ROOT

RUN_S = 900.0
WORSE, BETTER = "worse", "better"
SPIN = "import os; os.sched_setaffinity(0, [{}])\nprint(flush=True)\nwhile True: pass"


def bench(*words):
    command = [sys.executable, "-m", "appliance", "bench", *map(str, words), "--json"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_S, check=False
    )
    assert done.returncode in (0, 1), done.stderr[-2000:]
    return json.loads(done.stdout)


@contextmanager
def spinner(core):
    command = [sys.executable, "-c", SPIN.format(core)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def test_two_results_of_one_host(benchmark, judge, measuring, tmp_path):
    if not measuring:
        pytest.skip("a minute each, and a shorter one says nothing")
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    results = {name: tmp_path / name / "result.json" for name in ("first", "second", "spun")}
    for name in ("first", "second"):
        told = bench("--out", results[name].parent)
        assert not told["facts"]["core_taken"]
    with spinner(told["facts"]["core"]):
        assert bench("--out", results["spun"].parent)["facts"]["core_taken"]

    def changes(after):
        rows = bench("--compare", results["first"], results[after])["changes"]
        return [
            f"{row['series']} {row['figure']} {row['ratio']:.2f}"
            for row in rows
            if row["verdict"] in (WORSE, BETTER)
        ]

    same, spun = changes("second"), changes("spun")
    benchmark.extra_info |= {"same": same, "spun": spun}
    benchmark.pedantic(lambda: None)
    print("by themselves:", same, "with a spinner:", spun)
    judge("two results of one host, figures that differ", len(same), at_most=1)
    judge("a spinner on the loop's core, figures that differ", len(spun), at_least=5)
