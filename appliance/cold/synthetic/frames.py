"""Events as the venue writes them: keys in its order, numbers with its digits.

The order of keys was taken from recordings: depth ``e E [T] s U u [pu] b a``; bookTicker of spot
``u s b B a A``, of USD-M ``e u s b B a A T E``; trade and aggTrade likewise. Spot writes levels
best first, USD-M both sides by rising price. ``extended`` adds the keys that USD-M has had since
2026-06 (``ps``, ``st``).
"""

from collections.abc import Iterable

from appliance.abi.market import Market
from appliance.abi.units import E8
from appliance.cold.synthetic.symbols import Contract, decimal_text

_TEXTS_MAX = 65_536

Levels = list[tuple[int, int]]  # (price in ticks, lots), best first


class FrameWriter:
    """Writes the frames of one symbol. Times are ms since the Unix epoch."""

    def __init__(self, contract: Contract, *, extended: bool = False) -> None:
        self._contract = contract
        self._usdm = contract.market == Market.USDM
        self._prices: dict[int, str] = {}  # prices come again and again
        symbol = contract.symbol
        self._stream = f'{{"stream":"{symbol.lower()}@'
        newer = self._usdm and extended
        self._symbol = f'"s":"{symbol}"' + (f',"ps":"{symbol}"' if newer else "")
        self._end = ',"st":1}}' if newer else "}}"

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
        self, event_ms: int, trade_ms: int, ids: tuple[int, int, int], bids: Levels, asks: Levels
    ) -> bytes:
        """A difference; ``ids`` are first, last and previous last."""
        first_id, last_id, previous_id = ids
        middle = f'"U":{first_id},"u":{last_id},'
        if self._usdm:
            head = f'"E":{event_ms},"T":{trade_ms},{self._symbol},{middle}"pu":{previous_id},'
            bids = bids[::-1]
        else:
            head = f'"E":{event_ms},{self._symbol},{middle}'
        return (
            f'{self._stream}depth@100ms","data":{{"e":"depthUpdate",{head}'
            f'"b":[{self._levels(bids)}],"a":[{self._levels(asks)}]{self._end}'
        ).encode()

    def ticker(
        self,
        event_ms: int,
        trade_ms: int,
        update_id: int,
        bid: tuple[int, int],
        ask: tuple[int, int],
    ) -> bytes:
        """A bookTicker: (price in ticks, lots) of both sides."""
        touch = (
            f'"b":"{self.price(bid[0])}","B":"{self.quantity(bid[1])}",'
            f'"a":"{self.price(ask[0])}","A":"{self.quantity(ask[1])}"'
        )
        head = f'{self._stream}bookTicker","data":{{'
        if self._usdm:
            times = f'"T":{trade_ms},"E":{event_ms}'
            return (
                f'{head}"e":"bookTicker","u":{update_id},{self._symbol},{touch},{times}{self._end}'
            ).encode()
        return f'{head}"u":{update_id},{self._symbol},{touch}}}}}'.encode()

    def trade(
        self, event_ms: int, trade_ms: int, trade_id: int, fill: tuple[int, int], maker_buys: bool
    ) -> bytes:
        """One fill: ``fill`` is (price in ticks, lots); ``maker_buys``: the aggressor sold."""
        maker = "true" if maker_buys else "false"
        what = f'"t":{trade_id},"p":"{self.price(fill[0])}","q":"{self.quantity(fill[1])}"'
        head = f'{self._stream}trade","data":{{"e":"trade","E":{event_ms}'
        if self._usdm:
            tail = f'"X":"MARKET","m":{maker}{self._end}'
            return f'{head},"T":{trade_ms},{self._symbol},{what},{tail}'.encode()
        return f'{head},{self._symbol},{what},"T":{trade_ms},"m":{maker},"M":true}}}}'.encode()

    def agg_trade(
        self,
        event_ms: int,
        trade_ms: int,
        ids: tuple[int, int, int],
        fill: tuple[int, int],
        maker_buys: bool,
    ) -> bytes:
        """Fills of one taker at one price; ``ids`` are its own, the first and the last trade's."""
        maker = "true" if maker_buys else "false"
        own, first, last = ids
        head = f'{self._stream}aggTrade","data":{{"e":"aggTrade","E":{event_ms}'
        what = f'"p":"{self.price(fill[0])}","q":"{self.quantity(fill[1])}"'
        span = f'"f":{first},"l":{last},"T":{trade_ms},"m":{maker}'
        if self._usdm:
            return f'{head},"a":{own},{self._symbol},{what},{span}{self._end}'.encode()
        return f'{head},{self._symbol},"a":{own},{what},{span},"M":true}}}}'.encode()

    def snapshot(
        self, event_ms: int, trade_ms: int, last_id: int, bids: Levels, asks: Levels
    ) -> bytes:
        """The reply to a request for depth: no envelope, no symbol, best first on both markets."""
        times = f'"E":{event_ms},"T":{trade_ms},' if self._usdm else ""
        return (
            f'{{"lastUpdateId":{last_id},{times}"bids":[{self._levels(bids)}],'
            f'"asks":[{self._levels(asks)}]}}'
        ).encode()

    def _levels(self, levels: Iterable[tuple[int, int]]) -> str:
        return ",".join(
            [f'["{self.price(ticks)}","{self.quantity(lots)}"]' for ticks, lots in levels]
        )
