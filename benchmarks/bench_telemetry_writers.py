"""The ways of writing telemetry side by side; ``telemetry_writers.py`` has the whole table."""

import os

import pytest

from benchmarks.telemetry_writers import WRITERS, measure

RATE = 10_000


@pytest.mark.parametrize("writer", WRITERS)
def test_every_event_arrives(benchmark, measuring, tmp_path, writer):
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # readers are on another core
    n = 5_000 if measuring else 600
    try:
        found = measure(writer, RATE, n, tmp_path)
    except OSError as error:
        pytest.skip(f"{writer}: {error.strerror}")
    assert found.written == n
    benchmark.extra_info.update(found._asdict())
    benchmark.pedantic(lambda: None)


def test_a_ring_costs_less_than_a_system_call(benchmark, judge, measuring, tmp_path):
    n = 5_000 if measuring else 600
    ours = measure("ring", RATE, n, tmp_path).p50_ns
    theirs = measure("write", RATE, n, tmp_path).p50_ns
    benchmark.pedantic(lambda: None)
    judge("an event in the ring / a write(2) of it, p50", ours / theirs, at_most=0.2)
