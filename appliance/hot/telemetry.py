"""What the hot loop writes into the telemetry region. It never waits and never looks who reads.

One writer: the loop's thread. Single words are plain stores; a status record stands between
``begin_status`` and ``end_status``, an event between ``event_begin`` and ``event_commit``.
"""

from typing import Any, NamedTuple

import numpy as np

from appliance.abi.event import EVENT
from appliance.abi.layout import records
from appliance.abi.limits import (
    COUNTERS_MAX,
    EVENT_RING_SLOTS,
    HISTOGRAM_BUCKETS,
    INSTRUMENTS_MAX,
    STAGES_MAX,
)
from appliance.abi.telemetry import (
    BEAT_N,
    BEAT_NS,
    BLOCK_WORDS,
    COUNTER_WORDS,
    PROCESS,
    RING,
    RINGS_MAX,
    STAGE_MAX_NS,
    STAGE_MIN_NS,
    STAGE_N,
    STAGE_SUM_NS,
    STAGE_WORDS,
    STATUS,
    STATUS_WORDS,
)
from appliance.abi.units import INT64_MAX
from appliance.hot.atomics import fence, store_release
from appliance.hot.broadcast import Broadcast, begin, commit, make_broadcast
from appliance.hot.histogram import bucket_index
from appliance.hot.jit import hot, hot_inline


class Telemetry(NamedTuple):
    """Arrays over the region, or over ordinary memory (``make_telemetry``)."""

    counters: np.ndarray  # int64[COUNTERS_MAX, COUNTER_WORDS]; the value is column 0
    histograms: np.ndarray  # int64[STAGES_MAX, HISTOGRAM_BUCKETS]
    stage_words: np.ndarray  # int64[STAGES_MAX, STAGE_WORDS]
    heartbeat: np.ndarray  # int64[BLOCK_WORDS]
    status: Any  # STATUS records, one an instrument
    status_words: np.ndarray  # int64 view of them, for ordered access to `sequence`
    rings: Any  # RING records
    process: Any  # one PROCESS record
    events: Broadcast  # of EVENT records


@hot_inline
def stage(telemetry, which, ns):  # type: ignore[no-untyped-def]
    """Count ``ns`` in the histogram of Stage ``which``. A negative span counts as 0."""
    ns = max(ns, 0)
    telemetry.histograms[which, bucket_index(ns)] += 1
    row = telemetry.stage_words[which]
    row[STAGE_N] += 1
    row[STAGE_SUM_NS] += ns
    row[STAGE_MIN_NS] = min(row[STAGE_MIN_NS], ns)
    row[STAGE_MAX_NS] = max(row[STAGE_MAX_NS], ns)


@hot_inline
def beat(telemetry, now_ns):  # type: ignore[no-untyped-def]
    """The loop is alive at ``now_ns``: the wall clock (realtime_ns), not a recording's time."""
    words = telemetry.heartbeat
    words[BEAT_NS] = now_ns
    # the time stands there before the count shows a new beat
    store_release(words, BEAT_N, words[BEAT_N] + 1)


@hot_inline
def begin_status(telemetry, i):  # type: ignore[no-untyped-def]
    """Before writing ``telemetry.status[i]``: readers do not believe the record from here on."""
    words = telemetry.status_words
    store_release(words, i * STATUS_WORDS, words[i * STATUS_WORDS] | 1)
    fence()  # TORN: the odd sequence stands there before any other word changes (RegionView.status)


@hot_inline
def end_status(telemetry, i):  # type: ignore[no-untyped-def]
    """``telemetry.status[i]`` is complete. Never write its ``sequence`` yourself."""
    words = telemetry.status_words
    # COMPLETE: every word stands there before the sequence is even again (RegionView.status)
    store_release(words, i * STATUS_WORDS, (words[i * STATUS_WORDS] | 1) + 1)


@hot
def event_begin(telemetry, kind, instrument):  # type: ignore[no-untyped-def]
    """The next event record: kind and instrument set, symbol from its status, all else 0.

    Returns the index into ``telemetry.events.slots``; fill what the EventKind calls for (not
    ``sequence``), then ``event_commit``. ``instrument`` -1: none.
    """
    index = begin(telemetry.events)
    event = telemetry.events.slots[index]
    event.kind = kind
    event.instrument = instrument
    if instrument >= 0:
        # Writer of the status records is this thread, so this look needs no sequence.
        symbol = telemetry.status[instrument].symbol
        event.symbol[0] = symbol[0]
        event.symbol[1] = symbol[1]
    else:
        event.symbol[0] = 0
        event.symbol[1] = 0
    event.exchange_ns = 0
    event.receive_ns = 0
    event.latency_ns = 0
    event.price_ticks = 0
    event.quantity_lots = 0
    event.side = 0
    event.order_key = 0
    event.reason = 0
    event.observed = 0
    event.limit = 0
    return index


@hot_inline
def event_commit(telemetry):  # type: ignore[no-untyped-def]
    """Publish the event begun last."""
    commit(telemetry.events)


@hot_inline
def ring_use(telemetry, row, used, missed):  # type: ignore[no-untyped-def]
    """Occupancy of ring ``row`` (the cold side has set its name and capacity)."""
    ring = telemetry.rings[row]
    ring.used = used
    ring.high_water = max(ring.high_water, used)
    ring.missed = missed


def make_telemetry(n: int = INSTRUMENTS_MAX, *, event_slots: int = EVENT_RING_SLOTS) -> Telemetry:
    """Telemetry in ordinary memory, for tests and benchmarks: ``n`` instruments, nobody reads."""
    status = records(n, STATUS)
    telemetry = Telemetry(
        counters=np.zeros((COUNTERS_MAX, COUNTER_WORDS), np.int64),
        histograms=np.zeros((STAGES_MAX, HISTOGRAM_BUCKETS), np.int64),
        stage_words=np.zeros((STAGES_MAX, STAGE_WORDS), np.int64),
        heartbeat=np.zeros(BLOCK_WORDS, np.int64),
        status=status,
        status_words=np.asarray(status).view(np.int64).reshape(n * STATUS_WORDS),
        rings=records(RINGS_MAX, RING),
        process=records(1, PROCESS),
        events=make_broadcast(event_slots, EVENT),
    )
    reset(telemetry)
    return telemetry


def reset(telemetry: Telemetry) -> None:
    """What is not zero before the first value: the minimum of each stage."""
    telemetry.stage_words[:, STAGE_MIN_NS] = INT64_MAX
