"""Market streams of one market: who reads what, and the frames that they get.

Frames of a stream are written once for all who read it. Nothing is written that nobody reads.
Sources: binance-protocol 2 and 5.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Protocol

from appliance.abi.market import Market
from appliance.abi.units import NS_PER_MS, NS_PER_S
from appliance.cold.synthetic.frames import FrameWriter, enveloped
from appliance.cold.synthetic.listing import eight
from appliance.cold.synthetic.tape import Aggregate, Difference, Print, Touch
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.exchange import Exchange, Printed
from appliance.cold.venue.instrument import Instrument

_DEPTH: Final = re.compile(r"(.+)@depth(5|10|20)?(?:@(\d+)ms)?")
_OTHER: Final = re.compile(r"(.+)@(bookTicker|trade|aggTrade|markPrice)(?:@1s)?")
# Cadences of depth in ms, the first being what a stream without a cadence has.
CADENCES_MS: Final = {Market.SPOT: (1000, 100), Market.USDM: (250, 100, 500, 0)}
_SCOPES: Final = {"bookTicker": "public", "trade": "public", "depth": "public"}
_FUNDING_NS: Final = 8 * 3600 * NS_PER_S
_MARK_PERIOD_S: Final = 3


class Reader(Protocol):
    """A connection that reads streams."""

    combined: bool
    microseconds: bool

    def send(self, payload: bytes) -> None:
        """One message, as it is."""


class Hub:
    """Delivers to readers. ``publish`` is the exchange's; ``flush`` is called by the pacer."""

    def __init__(self, exchange: Exchange, clock: VenueClock) -> None:
        self._exchange = exchange
        self._clock = clock
        self._usdm = exchange.market == Market.USDM
        self._cadences = CADENCES_MS[exchange.market]
        self._readers: dict[str, list[Reader]] = {}
        self._flushed_ns: dict[int, int] = {}
        self._marked_s = 0
        exchange.publish = self.publish

    def scope_of(self, stream: str) -> str:
        """The path of USD-M that serves the stream: public, market or private."""
        found = _OTHER.fullmatch(stream)
        if found:
            return _SCOPES.get(found[2], "market")
        return "public" if _DEPTH.fullmatch(stream) else "private"

    def subscribe(self, stream: str, reader: Reader) -> None:
        """A stream that does not exist stays silent, as at the venue."""
        readers = self._readers.setdefault(stream, [])
        if reader not in readers:
            readers.append(reader)

    def unsubscribe(self, stream: str, reader: Reader) -> None:
        readers = self._readers.get(stream, [])
        if reader in readers:
            readers.remove(reader)
        if not readers:
            self._readers.pop(stream, None)

    def publish(self, printed: Printed) -> None:
        """What one action showed: trades, aggregates, the touch."""
        instrument, name = printed.instrument, printed.instrument.symbol.lower()
        writer, at_ns = instrument.writer, self._clock.ns(printed.at_ns)
        done = {aggregate.last_id: aggregate for aggregate in printed.aggregates}
        for trade in printed.prints:
            self._send(f"{name}@trade", partial(_trade, writer, at_ns, trade))
            if trade.trade_id in done:
                whole = done[trade.trade_id]
                self._send(f"{name}@aggTrade", partial(_aggregate, writer, at_ns, whole))
        if printed.touch is not None:
            self._send(f"{name}@bookTicker", partial(_ticker, writer, at_ns, printed.touch))
        if 0 in self._cadences:
            self._flush(instrument, 0, printed.at_ns)

    def flush(self, now_ns: int) -> None:
        """Every difference and partial book whose time has come, and mark prices."""
        for cadence_ms in self._cadences:
            if not cadence_ms:
                continue
            period = now_ns // (cadence_ms * NS_PER_MS)
            if self._flushed_ns.get(cadence_ms) != period:
                self._flushed_ns[cadence_ms] = period
                for instrument in self._exchange.instruments.values():
                    self._flush(instrument, cadence_ms, now_ns)
        if self._usdm and now_ns // NS_PER_S != self._marked_s:
            self._marked_s = now_ns // NS_PER_S
            self._mark(now_ns)

    def _flush(self, instrument: Instrument, cadence_ms: int, now_ns: int) -> None:
        difference = instrument.tape.flush(self._cadences.index(cadence_ms))
        if difference is None:
            return
        now_ns, changed_ns = self._clock.ns(now_ns), self._clock.ns(difference.changed_ns)
        writer, name = instrument.writer, instrument.symbol.lower()
        for suffix in self._suffixes(cadence_ms):
            self._send(
                f"{name}@depth{suffix}",
                lambda u: writer.depth(now_ns // u, changed_ns // u, difference),
            )
            for levels_n in (5, 10, 20):
                stream = f"{name}@depth{levels_n}{suffix}"
                self._send(
                    stream, self._partial(instrument, difference, levels_n, now_ns, changed_ns)
                )

    def _suffixes(self, cadence_ms: int) -> Iterator[str]:
        yield f"@{cadence_ms}ms"
        if cadence_ms == self._cadences[0]:
            yield ""

    def _partial(
        self,
        instrument: Instrument,
        difference: Difference,
        levels_n: int,
        now_ns: int,
        changed_ns: int,
    ) -> Callable[[int], bytes]:
        """Spot: the form of a snapshot. USD-M: the form of a difference, which it is not."""
        engine, writer = instrument.engine, instrument.writer

        def write(unit: int) -> bytes:
            bids, asks = engine.bids.depth(levels_n), engine.asks.depth(levels_n)
            if self._usdm:
                book = Difference(changed_ns, difference.ids, bids, asks)
                return writer.depth(now_ns // unit, changed_ns // unit, book, best_first=True)
            return writer.snapshot(0, 0, instrument.tape.last_id, bids, asks)

        return write

    def _mark(self, now_ns: int) -> None:
        for instrument in self._exchange.instruments.values():
            name = f"{instrument.symbol.lower()}@markPrice"
            self._send(f"{name}@1s", partial(self._mark_price, instrument, now_ns))
            if self._marked_s % _MARK_PERIOD_S == 0:
                self._send(name, partial(self._mark_price, instrument, now_ns))

    def _mark_price(self, instrument: Instrument, now_ns: int, unit: int) -> bytes:
        mark = eight(instrument.mark_e8)
        form = {
            "e": "markPriceUpdate",
            "E": self._clock.ns(now_ns) // unit,
            "s": instrument.symbol,
            "p": mark,
            "ap": mark,
            "P": mark,
            "i": mark,
            "r": "0.00010000",
            "T": (now_ns // _FUNDING_NS + 1) * _FUNDING_NS // unit,
            "st": 1,
        }
        return compact(form)

    def tell(self, stream: str, message: dict[str, Any]) -> bool:
        """A message of user data to whoever reads the listen key; False: nobody does."""
        if stream not in self._readers:
            return False
        payload = compact(message)
        self._send(stream, lambda _unit: payload)
        return True

    def _send(self, stream: str, write: Callable[[int], bytes]) -> None:
        readers = self._readers.get(stream)
        if not readers:
            return
        written: dict[tuple[bool, bool], bytes] = {}
        for reader in tuple(readers):
            kind = reader.combined, reader.microseconds
            payload = written.get(kind)
            if payload is None:
                payload = write(1000 if reader.microseconds else NS_PER_MS)
                if reader.combined:
                    payload = enveloped(stream, payload)
                written[kind] = payload
            reader.send(payload)


def _trade(writer: FrameWriter, at_ns: int, trade: Print, unit: int) -> bytes:
    return writer.trade(at_ns // unit, at_ns // unit, trade)


def _aggregate(writer: FrameWriter, at_ns: int, trade: Aggregate, unit: int) -> bytes:
    return writer.agg_trade(at_ns // unit, at_ns // unit, trade)


def _ticker(writer: FrameWriter, at_ns: int, touch: Touch, unit: int) -> bytes:
    return writer.ticker(at_ns // unit, at_ns // unit, touch)


def compact(form: object) -> bytes:
    """JSON as the venue writes it: no spaces, names as they are.

    A client may have sent half a surrogate pair, which has no bytes: it is given back as ``?``.
    """
    return json.dumps(form, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
