"""One record of the order journal, as the loop writes it: into the file that a run would have."""

import time

import numpy as np

from appliance.abi.journal import ARCHIVED, HEAD
from appliance.cold.journal_file import JournalFile, journal_path
from appliance.hot.cpu import cycles
from appliance.hot.jit import hot
from appliance.hot.journal import append

BATCH = 16
BATCHES = 8_192  # half the ring
NOW_NS = 1_766_000_000_000_000_000


@hot
def append_all(words, spans):
    """Records that found no room; ``spans[k]`` becomes the cycles of batch k of BATCH records."""
    lost = 0
    for batch in range(len(spans)):
        start = cycles()
        for n in range(BATCH):
            key = batch << 16 | n
            lost += 1 - append(words, NOW_NS, 5, -1, n, 0, key, 9_700_000, 5, 0, 0, 0, 0, 1, batch)
        spans[batch] = cycles() - start
    return lost


def test_journal(benchmark, judge, measuring, tmp_path):
    file = JournalFile(journal_path(tmp_path, "bench"))
    words = file.words
    spans = np.zeros(BATCHES, np.int64)
    totals = []
    all_spans = []
    for _ in range(100 if measuring else 1):
        started = time.perf_counter_ns()
        assert append_all(words, spans) == 0
        totals.append((time.perf_counter_ns() - started) / spans.sum())
        all_spans.append(spans / BATCH)
        words[ARCHIVED] = words[HEAD]  # as if somebody had taken them
    ns_per_cycle = float(np.median(totals))
    # The first round makes the file's pages; a run finds them made (journal_archive.py).
    kept = np.concatenate(all_spans[2:] or all_spans)
    p50, p99 = np.percentile(kept, [50, 99]) * ns_per_cycle
    benchmark.extra_info["p50_ns"] = float(p50)
    benchmark.extra_info["p99_ns"] = float(p99)

    def once():
        words[ARCHIVED] = words[HEAD]
        append_all(words, spans)

    benchmark.pedantic(once, rounds=20 if measuring else 1)
    judge(f"journal, one record, p50 ns (batches of {BATCH})", float(p50), at_most=30)
    file.close()
