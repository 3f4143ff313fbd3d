"""The sidecar: lines a second from the spool into a real influxd, and what an interval costs it.

influxd is Debian's: ``python -m tests.sidecar.influxd`` fetches it; without it one is skipped.
"""

import os
import time

import pytest

from appliance.abi.counters import COUNTER_TABLE
from appliance.abi.limits import INSTRUMENTS_MAX
from appliance.abi.telemetry import LIMIT_ROWS_MAX, Stage
from sidecar.point import Class
from sidecar.sampler import Sampler
from sidecar.sender import Sender
from sidecar.spool import Spool
from sidecar.transport import Answer, Outcome, Target
from tests.sidecar.influxd import Influxd, available
from tests.sidecar.regions import Run

LINES_N = 1_000_000
LINES_OF_AN_INTERVAL = 5_000
START_NS = 1_700_000_000_000_000_000
S = 10**9
LEAST_LINES_PER_S = 140_000
MOST_CPU_SHARE = 0.02
SYMBOLS_N = 8  # of a small desk


class Nowhere:
    """A server that takes everything at once: what is measured is ours."""

    def write(self, lines):
        return Answer(Outcome.TAKEN)

    def close(self):
        pass


def fill(spool, lines_n):
    """Latency points of 50 series, as the sidecar writes them."""
    for number in range(lines_n // LINES_OF_AN_INTERVAL):
        lines = b"".join(
            b"lc_latency,host=h,proc=p%d,stage=gate n=5i,min=20i,p50=30i,p90=40i,p99=90i,p999=99i,"
            b"max=120i,sum=%di %d\n" % (k % 50, k, START_NS + number * S + k)
            for k in range(LINES_OF_AN_INTERVAL)
        )
        spool.commit(START_NS + number * S, {Class.SHOULD: lines}, {})


def test_spool_to_influxd(benchmark, judge, measuring, tmp_path):
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # the server has a core of its own
    if (binary := available()) is None:
        pytest.skip("no influxd: python -m tests.sidecar.influxd")
    lines_n = LINES_N if measuring else 20_000
    spool = Spool(tmp_path / "spool", 1 << 34)
    fill(spool, lines_n)
    server = Influxd(binary, tmp_path)
    try:
        sender = Sender(spool, Target(server.url, "lonecore", api="v1").transport(), 1)

        def drain():
            began_s = time.perf_counter()
            while sender.step():
                pass
            return time.perf_counter() - began_s

        span_s = benchmark.pedantic(drain, rounds=1)
        (row,) = server.query("SELECT count(n) FROM lc_latency")
        assert row["count"] == lines_n and sender.sent.quarantined_n == 0
    finally:
        server.stop()
        spool.close()
    benchmark.extra_info["lines_per_s"] = lines_n / span_s
    judge("spool to influxd, lines/s", lines_n / span_s, at_least=LEAST_LINES_PER_S)


def busy_run(folder):
    """Everything that an appliance of eight symbols tells of in a second."""
    symbols = tuple(f"S{n}USDT" for n in range(SYMBOLS_N))
    run = Run(folder, symbols=symbols)
    limits_n = 16 + 6 * SYMBOLS_N
    assert limits_n <= LIMIT_ROWS_MAX and SYMBOLS_N <= INSTRUMENTS_MAX
    run.region.set_limits((f"S{n % SYMBOLS_N}USDT limit{n}", n, 100) for n in range(limits_n))

    def second(number):
        for counter in COUNTER_TABLE:
            run.count(counter, 1)
        for stage in Stage:
            for k in range(10):
                run.stage(stage, 40 + 37 * k * k, 20)
        for k in range(50):
            run.event(number * 50 + k, time.time_ns())

    return run, second


def test_what_an_interval_costs(benchmark, judge, measuring, tmp_path):
    run, second = busy_run(tmp_path)
    spool = Spool(tmp_path / "spool", 1 << 34)
    sender = Sender(spool, Nowhere(), 1)
    sampler = Sampler(spool, sender, directory=tmp_path)
    costs_s = []
    for number in range(60 if measuring else 2):
        second(number)
        began_s = time.process_time()
        sampler.step(START_NS + number * S)
        while sender.step():
            pass
        costs_s.append(time.process_time() - began_s)
    lines_n = sender.sent.lines_n // len(costs_s)
    sampler.close()
    spool.close()
    run.end()
    benchmark.extra_info.update(lines=lines_n, costs_ms=[round(1e3 * s, 2) for s in costs_s])
    benchmark.pedantic(lambda: None)
    share = sorted(costs_s)[len(costs_s) // 2]
    judge(f"CPU of a second's {lines_n} lines, share of a core", share, at_most=MOST_CPU_SHARE)
