"""Events as the venue writes them: keys in its order, numbers with its digits.

The order of keys was taken from recordings: depth ``e E [T] s U u [pu] b a``; bookTicker of spot
``u s b B a A``, of USD-M ``e u s b B a A T E``; trade and aggTrade likewise. Spot writes levels
best first, USD-M both sides by rising price. ``extended`` adds the keys that USD-M has had since
2026 (``nq``, ``ps``, ``st``).
"""

from collections.abc import Iterable
from typing import Final

from appliance.abi.market import Market
from appliance.abi.units import E8
from appliance.cold.synthetic.symbols import Contract, decimal_text
from appliance.cold.synthetic.tape import Aggregate, Difference, Level, Print, Touch

_TEXTS_MAX: Final = 65_536


def enveloped(stream: str, payload: bytes) -> bytes:
    """The payload as a combined stream has it."""
    return b'{"stream":"%s","data":%s}' % (stream.encode(), payload)


class FrameWriter:
    """Writes the payloads of one symbol's streams, and its snapshot.

    A time is an integer since the Unix epoch, in the unit that its stream was asked for.
    """

    def __init__(self, contract: Contract, *, extended: bool = False) -> None:
        self._contract = contract
        self._usdm = contract.market == Market.USDM
        self._prices: dict[int, str] = {}  # prices come again and again
        symbol = contract.symbol
        newer = self._usdm and extended
        self._newer = newer
        self._symbol = f'"s":"{symbol}"'
        self._symbol_pair = self._symbol + (f',"ps":"{symbol}"' if newer else "")
        self._end = ',"st":1}' if newer else "}"

    def price(self, ticks: int) -> str:
        """A price as text."""
        text = self._prices.get(ticks)
        if text is None:
            if len(self._prices) >= _TEXTS_MAX:
                self._prices.clear()
            contract = self._contract
            text = decimal_text(ticks * contract.price_grid_e8, contract.price_digits)
            self._prices[ticks] = text
        return text

    def quantity(self, lots: int) -> str:
        """A quantity as text."""
        value_e8 = lots * self._contract.quantity_grid_e8
        if not self._usdm:
            return f"{value_e8 // E8}.{value_e8 % E8:08d}"
        return decimal_text(value_e8, self._contract.quantity_digits)

    def depth(
        self, event_time: int, trade_time: int, difference: Difference, *, best_first: bool = False
    ) -> bytes:
        """A difference; USD-M's partial book (``best_first``) differs from it in that only."""
        first_id, last_id, previous_id = difference.ids
        bids = difference.bids
        middle = f'"U":{first_id},"u":{last_id},'
        if self._usdm:
            head = f'"E":{event_time},"T":{trade_time},{self._symbol_pair},{middle}'
            head += f'"pu":{previous_id},'
            bids = bids if best_first else bids[::-1]
        else:
            head = f'"E":{event_time},{self._symbol},{middle}'
        return (
            f'{{"e":"depthUpdate",{head}'
            f'"b":[{self._levels(bids)}],"a":[{self._levels(difference.asks)}]{self._end}'
        ).encode()

    def ticker(self, event_time: int, trade_time: int, touch: Touch) -> bytes:
        """A bookTicker."""
        bid, ask = touch.bid, touch.ask
        best = (
            f'"b":"{self.price(bid[0])}","B":"{self.quantity(bid[1])}",'
            f'"a":"{self.price(ask[0])}","A":"{self.quantity(ask[1])}"'
        )
        if self._usdm:
            times = f'"T":{trade_time},"E":{event_time}'
            return (
                f'{{"e":"bookTicker","u":{touch.update_id},{self._symbol_pair},{best},'
                f"{times}{self._end}"
            ).encode()
        return f'{{"u":{touch.update_id},{self._symbol},{best}}}'.encode()

    def trade(self, event_time: int, trade_time: int, trade: Print) -> bytes:
        """One trade."""
        maker = "true" if trade.maker_buys else "false"
        price, quantity = self.price(trade.price_ticks), self.quantity(trade.lots)
        what = f'"t":{trade.trade_id},"p":"{price}","q":"{quantity}"'
        head = f'{{"e":"trade","E":{event_time}'
        if self._usdm:
            tail = f'"X":"MARKET","m":{maker}{self._end}'
            return f'{head},"T":{trade_time},{self._symbol},{what},{tail}'.encode()
        return f'{head},{self._symbol},{what},"T":{trade_time},"m":{maker},"M":true}}'.encode()

    def agg_trade(self, event_time: int, trade_time: int, trade: Aggregate) -> bytes:
        """The trades of one taker at one price."""
        maker = "true" if trade.maker_buys else "false"
        head = f'{{"e":"aggTrade","E":{event_time}'
        quantity = self.quantity(trade.lots)
        what = f'"p":"{self.price(trade.price_ticks)}","q":"{quantity}"'
        span = f'"f":{trade.first_id},"l":{trade.last_id},"T":{trade_time},"m":{maker}'
        if self._usdm:
            if self._newer:
                what += f',"nq":"{quantity}"'
            own = f'"a":{trade.aggregate_id},{self._symbol}'
            return f"{head},{own},{what},{span}{self._end}".encode()
        own = f'{self._symbol},"a":{trade.aggregate_id}'
        return f'{head},{own},{what},{span},"M":true}}'.encode()

    def snapshot(
        self,
        event_time: int,
        trade_time: int,
        last_id: int,
        bids: Iterable[Level],
        asks: Iterable[Level],
    ) -> bytes:
        """The reply to a request for depth, and spot's partial depth: no symbol, best first."""
        times = f'"E":{event_time},"T":{trade_time},' if self._usdm else ""
        return (
            f'{{"lastUpdateId":{last_id},{times}"bids":[{self._levels(bids)}],'
            f'"asks":[{self._levels(asks)}]}}'
        ).encode()

    def _levels(self, levels: Iterable[Level]) -> str:
        return ",".join(
            [f'["{self.price(ticks)}","{self.quantity(lots)}"]' for ticks, lots in levels]
        )
