"""The meter sees what the loop must not do."""

import mmap
import os

import numpy as np
import pytest
from numba import njit
from numba.core import config

from appliance.cold.purity import Purity, PurityMeter, rss_bytes

needs_compiler = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")


@pytest.fixture
def meter():  # type: ignore[no-untyped-def]
    made = PurityMeter()
    yield made
    made.close()


def test_nothing_done_is_all_zero(meter: PurityMeter) -> None:
    meter.begin()  # the first look touches pages of its own
    meter.end()
    meter.total = Purity()
    meter.begin()
    meter.end()
    assert meter.total.as_dict() == {
        "nrt_allocations": 0,
        "compilations": 0,
        "minor_faults": 0,
        "major_faults": 0,
        "rss_growth_bytes": 0,
    }


@needs_compiler
def test_a_compilation(meter: PurityMeter) -> None:
    double = njit(lambda x: x * 2)
    meter.begin()
    assert double(2) == 4
    meter.end()
    assert meter.total.compilations >= 1
    before = meter.total.compilations
    meter.begin()
    assert double(3) == 6
    meter.end()
    assert meter.total.compilations == before


@needs_compiler
def test_an_allocation(meter: PurityMeter) -> None:
    """Numba counts only where it was told to before it was imported: so in another process."""
    import subprocess
    import sys

    script = (
        "import numpy as np; from numba import njit; from appliance.cold.purity import PurityMeter\n"
        "grow = njit(lambda n: np.zeros(n).sum()); grow(3)\n"
        "meter = PurityMeter(); meter.begin(); grow(4); meter.end()\n"
        "print(meter.total.nrt_allocations, meter.total.compilations)"
    )
    environment = os.environ | {"NUMBA_NRT_STATS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "0"]


def test_page_faults_and_growth(meter: PurityMeter) -> None:
    pages = 256
    with mmap.mmap(-1, pages * mmap.PAGESIZE) as memory:
        array = np.frombuffer(memory, np.uint8)
        meter.begin()
        array[:: mmap.PAGESIZE] = 1
        meter.end()
        del array
    assert meter.total.minor_faults >= 1  # a kernel may map several at once
    assert meter.total.rss_growth_bytes >= pages * mmap.PAGESIZE // 2
    assert rss_bytes() > 0
