"""Two processes, one region: the writer's loop never stops, the reader never sees half a record.

Outcomes of one read of a status record whose words are all the number of the write:

====================================  =============
all words equal                       ACCEPTABLE
the same record as the last time      ACCEPTABLE
an older record than the last time    FORBIDDEN
words of two writes                   FORBIDDEN
no record, after the first good one   FORBIDDEN
====================================  =============
"""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from appliance.abi.layout import records
from appliance.abi.market import INSTRUMENT, symbol_words
from appliance.abi.region import RegionError, attach, region_path
from appliance.abi.region_report import Health
from appliance.abi.telemetry import Lifecycle, Stage
from appliance.cold.telemetry_region import TelemetryRegion
from appliance.hot import telemetry as hot_telemetry
from appliance.hot.jit import JIT_DISABLED, hot

ROOT = Path(__file__).resolve().parents[2]
WRITES_N = 300 if JIT_DISABLED else 10_000  # between two looks at the clock
PAUSE_MASK = 7 if JIT_DISABLED else 1023
SECONDS = 1.5
FIELDS = ("book_id", "bid_ticks", "ask_ticks", "position_lots", "mark_ticks", "updated_ns")


@hot
def write(t, first, n):
    for k in range(first, first + n):
        hot_telemetry.begin_status(t, 0)
        status = t.status[0]
        status.book_id = k
        status.bid_ticks = k
        status.ask_ticks = k
        status.position_lots = k
        status.mark_ticks = k
        status.updated_ns = k
        hot_telemetry.end_status(t, 0)
        hot_telemetry.stage(t, Stage.BOOK, k & 1023)
        # From none to a few microseconds between two writes: a reader meets every phase of one.
        for _ in range((k * 7) & PAUSE_MASK):
            hot_telemetry.stage(t, Stage.GATE, k)
    return first + n


def writer(folder: str) -> None:
    """The other process: writes without a pause for SECONDS, then says how far it came."""
    with TelemetryRegion.create("torture", mode="demo", directory=folder) as region:
        instruments = records(1, INSTRUMENT)
        instruments[0].symbol = symbol_words("TORTURE")
        region.set_instruments(instruments)
        k = write(region.telemetry, 1, 1)
        region.set_lifecycle(Lifecycle.RUNNING)
        end_s = time.monotonic() + SECONDS
        while time.monotonic() < end_s:
            k = write(region.telemetry, k, WRITES_N)
        print(k - 1)


def judge(words: set[int], last: int) -> str:
    if len(words) > 1:
        return "words of two writes"
    (number,) = words
    return "older" if number < last else "same" if number == last else "newer"


@pytest.mark.timeout(120)
def test_no_read_is_torn(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.stress.test_telemetry_seqlock", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    path = region_path("torture", tmp_path)
    view = None
    while view is None and process.poll() is None:
        try:
            view = attach(path)
        except RegionError:
            time.sleep(0.01)
    assert view is not None, "the writer ended before it could be watched"
    while view.lifecycle is Lifecycle.STARTING and process.poll() is None:
        time.sleep(0.01)
    outcomes: Counter[str] = Counter()
    last = -1
    while view.health() not in (Health.ENDED, Health.FAILED, Health.DEAD):
        for _ in range(200):
            record = view.status(0)
            if record is None:
                if last >= 0:
                    outcomes["no record"] += 1
                continue
            words = {int(record[name][0]) for name in FIELDS}
            outcomes[judge(words, last)] += 1
            last = max(words)
    written, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    record = view.status(0)
    assert record is not None and int(record["book_id"][0]) == int(written)
    summary = view.stage(Stage.BOOK)
    assert summary.n == int(written), "the histogram lost a value"
    assert set(outcomes) <= {"newer", "same"}, outcomes
    assert outcomes["newer"] >= 5, outcomes
    assert view.torn_retries_n > 0, "the reader never met the writer at work"
    view.close()


if __name__ == "__main__":
    writer(sys.argv[1])
