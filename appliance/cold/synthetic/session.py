"""A session: flow through matching engines, written as the frames of a combined stream."""

import heapq
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from appliance.abi.market import Market
from appliance.abi.units import NS_PER_MS, NS_PER_S
from appliance.cold.line import Line
from appliance.cold.synthetic.flow import Flow
from appliance.cold.synthetic.frames import FrameWriter, enveloped
from appliance.cold.synthetic.symbols import Contract, contracts
from appliance.cold.synthetic.tape import Aggregate, Counter, Print, Tape

START_NS: Final = 1_767_571_200 * NS_PER_S  # 2026-01-05 00:00:00 UTC
FLUSH_NS: Final = 100 * NS_PER_MS  # of @depth@100ms
SNAPSHOT_LEVELS: Final = 1000
_LATENCY_NS: Final = 3 * NS_PER_MS  # from the venue to us, at least
_JITTER_NS: Final = 4 * NS_PER_MS
_REST_NS: Final = 60 * NS_PER_MS  # a reply takes longer
_FRAMES_PER_ACTION_PCT: Final = 66  # measured; the rate need not be exact
_DEPTH_PER_S: Final = 10
_STREAMS: Final = {
    Market.SPOT: ("depth", "bookTicker", "trade"),
    Market.USDM: ("depth", "bookTicker", "aggTrade"),
}


def generate(
    seed: int,
    duration_s: float | None,
    *,
    symbols: Sequence[str] = ("BTCUSDT",),
    market: Market = Market.SPOT,
    frames_per_s: int = 800,
    start_ns: int = START_NS,
    snapshot_at_s: Sequence[float] = (0.25,),
    streams: Sequence[str] | None = None,
    extended: bool = False,
) -> Iterator[Line]:
    """The lines that a recorder of the session would have written, in the order of receipt.

    ``frames_per_s`` is about what all symbols together send. ``snapshot_at_s``: when the recorder
    asked for each book. ``streams``: some of depth, bookTicker, trade, aggTrade; by default those
    that make sense together on the market. ``duration_s`` None: for ever, in bounded memory.
    """
    listed = contracts(symbols, market)
    rate = max(1, frames_per_s // len(listed) - _DEPTH_PER_S) * 100 // _FRAMES_PER_ACTION_PCT
    mail = _Mail()
    ids = Random(seed * 1_000_003 + 1)
    counter = Counter(ids) if market == Market.USDM else None
    feeds = []
    for number, contract in enumerate(listed):
        rng = Random(seed * 1_000_003 + 2 + number)
        own = Counter(None, number) if counter is None else counter
        feed = _Feed(Flow(contract, rng, max(1, rate)), contract, own, mail, rng)
        feed.writer = FrameWriter(contract, extended=extended)
        feed.streams = frozenset(_STREAMS[market] if streams is None else streams)
        feed.begin(start_ns, number, snapshot_at_s)
        feeds.append(feed)
    end_ns = None if duration_s is None else start_ns + round(duration_s * NS_PER_S)
    due = [(feed.next_ns, number) for number, feed in enumerate(feeds)]
    heapq.heapify(due)
    while True:
        now_ns, number = due[0]
        if end_ns is not None and now_ns >= end_ns:
            break
        yield from mail.until(now_ns + _LATENCY_NS)
        feeds[number].advance()
        heapq.heapreplace(due, (feeds[number].next_ns, number))
    yield from mail.until(None)


class _Mail:
    """What was sent and has not arrived."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Line]] = []
        self._sent = 0

    def send(self, line: Line) -> None:
        self._sent += 1
        assert line.receive_ns is not None
        heapq.heappush(self._heap, (line.receive_ns, self._sent, line))

    def until(self, now_ns: int | None) -> Iterator[Line]:
        """All that arrives before ``now_ns``; nothing sent later can arrive earlier."""
        heap = self._heap
        while heap and (now_ns is None or heap[0][0] < now_ns):
            yield heapq.heappop(heap)[2]


class _Feed:
    """One symbol: its flow, its ids, its streams."""

    writer: FrameWriter
    streams: frozenset[str]

    def __init__(
        self, flow: Flow, contract: Contract, ids: Counter, mail: _Mail, rng: Random
    ) -> None:
        self._flow = flow
        self._contract = contract
        self._tape = Tape(flow.engine, ids)
        self._mail = mail
        self._random = rng.random
        self._arrived: dict[str, int] = {}
        self._stream = contract.symbol.lower()
        self._action_ns = self._flush_ns = self.next_ns = 0
        self._snapshots_ns: list[int] = []

    def begin(self, start_ns: int, number: int, snapshot_at_s: Sequence[float]) -> None:
        """Symbols flush and ask for snapshots a little after one another."""
        shift_ns = number * 7 * NS_PER_MS
        self._tape.changed_ns = start_ns
        self._action_ns = start_ns + self._flow.gap_ns()
        self._flush_ns = start_ns + FLUSH_NS + shift_ns % FLUSH_NS
        self._snapshots_ns = sorted(
            (start_ns + shift_ns + round(at_s * NS_PER_S) for at_s in snapshot_at_s), reverse=True
        )
        self._plan()

    def _plan(self) -> None:
        self.next_ns = min(self._action_ns, self._flush_ns)
        if self._snapshots_ns:
            self.next_ns = min(self.next_ns, self._snapshots_ns[-1])

    def advance(self) -> None:
        """Whatever is due at ``next_ns``."""
        now_ns = self.next_ns
        if now_ns == self._flush_ns:
            self._flush(now_ns)
            self._flush_ns += FLUSH_NS
        elif self._snapshots_ns and now_ns == self._snapshots_ns[-1]:
            self._snapshots_ns.pop()
            self._snapshot(now_ns)
        else:
            self._act(now_ns)
            self._action_ns = now_ns + self._flow.gap_ns()
        self._plan()

    def _act(self, now_ns: int) -> None:
        taker = self._flow.step()
        prints, aggregates, touch = self._tape.note(now_ns, taker)
        self._report_trades(prints, aggregates)
        if touch is not None:
            now_ms = now_ns // NS_PER_MS
            self._send("bookTicker", now_ns, self.writer.ticker(now_ms, now_ms, touch))

    def _report_trades(self, prints: list[Print], aggregates: list[Aggregate]) -> None:
        """An aggregate comes after the last trade that is in it."""
        done = {aggregate.last_id: aggregate for aggregate in aggregates}
        for trade in prints:
            now_ms = trade.at_ns // NS_PER_MS
            self._send("trade", trade.at_ns, self.writer.trade(now_ms, now_ms, trade))
            aggregate = done.get(trade.trade_id)
            if aggregate is not None:
                frame = self.writer.agg_trade(now_ms, now_ms, aggregate)
                self._send("aggTrade", trade.at_ns, frame)

    def _flush(self, now_ns: int) -> None:
        """The difference since the last one; the venue sends none that is empty."""
        difference = self._tape.flush()
        if difference is None:
            return
        changed_ms = difference.changed_ns // NS_PER_MS
        frame = self.writer.depth(now_ns // NS_PER_MS, changed_ms, difference)
        self._send("depth", now_ns, frame)

    def _snapshot(self, now_ns: int) -> None:
        engine = self._flow.engine
        frame = self.writer.snapshot(
            now_ns // NS_PER_MS,
            self._tape.changed_ns // NS_PER_MS,
            self._tape.last_id,
            engine.bids.depth(SNAPSHOT_LEVELS),
            engine.asks.depth(SNAPSHOT_LEVELS),
        )
        arrives_ns = now_ns + _REST_NS + int(self._random() * _REST_NS)
        self._mail.send(Line(arrives_ns, frame, True, self._contract.symbol))

    def _send(self, stream: str, now_ns: int, payload: bytes) -> None:
        """Frames of one stream never overtake each other; those of several do."""
        if stream not in self.streams:
            return
        arrives_ns = now_ns + _LATENCY_NS + int(self._random() * _JITTER_NS)
        arrives_ns = max(arrives_ns, self._arrived.get(stream, 0) + 1000)
        self._arrived[stream] = arrives_ns
        name = "depth@100ms" if stream == "depth" else stream
        frame = enveloped(f"{self._stream}@{name}", payload)
        self._mail.send(Line(arrives_ns, frame))
