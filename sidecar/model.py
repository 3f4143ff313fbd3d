"""An interval as points: the data model. Every measurement, its tags and its fields.

Prefix ``lc_``; tags ``host`` and ``proc`` (the run's name) on each. Time is the interval's end.
Counters come as ``total`` (survives a reader that was away) and ``delta`` (cheap to add up). What
is counted is an integer, what is priced a float, and no field changes its type. Never a tag: the id
of an order, a price, free text: the number of series is bounded by what the appliance has (tested).
"""

import platform
from collections.abc import Iterator
from typing import Final

from appliance.abi.histogram_layout import percentiles
from appliance.abi.limits import INSTRUMENTS_MAX
from appliance.abi.telemetry import Stage
from sidecar.buckets import coarse, least_and_most
from sidecar.event_points import event_points
from sidecar.instrument_points import feed_fields, position_fields
from sidecar.interval import Interval
from sidecar.line import Value
from sidecar.point import Class, Point

# Counters that are an order's way of life; the others stand under their own name.
ORDER_KINDS: Final = {
    "orders_sent": "new",
    "cancels_sent": "cancel",
    "acks": "ack",
    "fills": "fill",
    "orders_filled": "filled",
    "orders_canceled": "canceled",
    "orders_rejected": "rejected",
    "orders_expired": "expired",
    "unanswered": "unanswered",
}
REJECT: Final = "reject."
FAULT: Final = "fault."
PERCENTS: Final = (50, 90, 99, 99.9)
WARN_SHARE: Final = 0.8  # of a limit; 1: the gate refuses what adds to it
HOST: Final = platform.node() or "unknown"


def points(interval: Interval) -> Iterator[Point]:
    """All of an interval's points, the most important first."""
    tags = {"host": HOST, "proc": interval.run.name}
    yield _heartbeat(interval, tags)
    yield from _marks(interval, tags)
    yield _state(interval, tags)
    yield from _counters(interval, tags)
    yield from _instruments(interval, tags)
    yield from _limits(interval, tags)
    yield from event_points(interval, tags)
    yield from _stages(interval, tags)
    yield from _rings(interval, tags)
    yield from _process(interval, tags)


def _heartbeat(interval: Interval, tags: dict[str, str]) -> Point:
    run = interval.run
    age_ns = interval.heartbeat_age_ns
    fields: dict[str, Value] = {
        "up": int(interval.health.is_good),
        "health": str(interval.health),
        "seq": interval.beats_n,
        "epoch": run.epoch,
        "age_ns": -1 if age_ns is None else age_ns,
        "restarts": interval.restarts_n,
        "span_ms": (interval.end_ns - interval.start_ns) // 1_000_000,
        "build": run.version,
        "mode": run.mode,
        "strategy": run.strategy,
        "events_missed": interval.events_missed_n,
        "torn_retries": interval.torn_retries_n,
    }
    return Point(Class.MUST, "lc_hb", tags, fields, interval.end_ns)


def _marks(interval: Interval, tags: dict[str, str]) -> Iterator[Point]:
    """When a run began, and whether it was another build than before: for annotations."""
    if interval.began is None:
        return
    build, before = interval.began
    fields: dict[str, Value] = {"text": build, "epoch": interval.run.epoch}
    at_ns = interval.run.created_ns
    yield Point(Class.MUST, "lc_mark", tags | {"kind": "start"}, fields, at_ns)
    if before not in ("", build):
        fields = fields | {"text": f"{before} -> {build}"}
        yield Point(Class.MUST, "lc_mark", tags | {"kind": "deploy"}, fields, at_ns)


def _state(interval: Interval, tags: dict[str, str]) -> Point:
    names = ("trading_state", "state_cause", "state_reason", "state_observed", "state_limit")
    fields = {name.removeprefix("state_"): interval.process[name] for name in names}
    since_ns = interval.process["state_ns"]
    fields["since_s"] = max(interval.end_ns - since_ns, 0) // 10**9 if since_ns else 0
    return Point(Class.MUST, "lc_state", tags, fields, interval.end_ns)


def _counters(interval: Interval, tags: dict[str, str]) -> Iterator[Point]:
    for label, total in interval.totals.counters.items():
        if total == 0:
            continue
        fields = {"total": total, "delta": interval.added.counters[label]}
        if label in ORDER_KINDS:
            own = {"kind": ORDER_KINDS[label]}
            yield Point(Class.MUST, "lc_orders", tags | own, fields, interval.end_ns)
        elif label.startswith(REJECT):
            own = {"reason": label.removeprefix(REJECT)}
            yield Point(Class.MUST, "lc_reject", tags | own, fields, interval.end_ns)
        elif label.startswith(FAULT):
            own = {"fault": label.removeprefix(FAULT)}
            yield Point(Class.SHOULD, "lc_fault", tags | own, fields, interval.end_ns)
        else:
            own = {"counter": label}
            yield Point(Class.SHOULD, "lc_counter", tags | own, fields, interval.end_ns)


def _instruments(interval: Interval, tags: dict[str, str]) -> Iterator[Point]:
    assert len(interval.statuses) <= INSTRUMENTS_MAX
    for symbol, records in interval.statuses.items():
        own = tags | {"symbol": symbol}
        position = position_fields(records[0])
        yield Point(Class.MUST, "lc_position", own, position, interval.end_ns)
        feed = feed_fields(records[0], interval.process["now_ns"])
        yield Point(Class.SHOULD, "lc_feed", own, feed, interval.end_ns)


def _stages(interval: Interval, tags: dict[str, str]) -> Iterator[Point]:
    for stage in Stage:
        counts = interval.added.buckets[stage]
        n = int(counts.sum())
        if n == 0:
            continue
        is_hiccup = stage is Stage.HICCUP
        own = tags if is_hiccup else tags | {"stage": stage.name.lower()}
        p50, p90, p99, p999 = percentiles(counts, PERCENTS)
        least, most = least_and_most(counts)
        fields = {"n": n, "min": least, "p50": p50, "p90": p90, "p99": p99, "p999": p999}
        fields |= {"max": most, "sum": interval.added.sums_ns[stage]}
        measurement = "lc_hiccup" if is_hiccup else "lc_latency"
        yield Point(Class.SHOULD, measurement, own, fields, interval.end_ns)
        if is_hiccup:
            continue
        for bound_ns, held_n in coarse(counts):
            bucket = own | {"le": str(bound_ns)}
            yield Point(Class.DETAIL, "lc_hist", bucket, {"n": held_n}, interval.end_ns)


def _limits(interval: Interval, tags: dict[str, str]) -> Iterator[Point]:
    """How much of each limit is used: 1 is all of it."""
    for use in interval.limits:
        symbol, _, limit = use.name.rpartition(" ")
        share = use.used / use.limit
        state = 2 if share >= 1 else 1 if share >= WARN_SHARE else 0
        fields = {"used": use.used, "limit": use.limit, "util": share, "state": state}
        own = tags | {"gate": limit, "symbol": symbol}
        yield Point(Class.MUST, "lc_gate", own, fields, interval.end_ns)


def _rings(interval: Interval, tags: dict[str, str]) -> Iterator[Point]:
    for ring in interval.rings:
        fields = {"size": ring.capacity, "used": ring.used, "hwm": ring.high_water}
        fields["drops"] = ring.missed
        own = tags | {"ring": ring.name}
        yield Point(Class.SHOULD, "lc_ring", own, fields, interval.end_ns)


def _process(interval: Interval, tags: dict[str, str]) -> Iterator[Point]:
    if interval.figures is not None:
        fields = interval.figures._asdict()
        yield Point(Class.SHOULD, "lc_proc", tags, fields, interval.end_ns)
