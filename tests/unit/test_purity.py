"""The meter sees what the loop must not do."""

import mmap

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
    grow = njit(lambda n: np.zeros(n).sum())
    grow(3)
    meter.begin()
    grow(4)
    meter.end()
    assert meter.total.nrt_allocations == 1
    assert meter.total.compilations == 0


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
