"""USD-M user data: ORDER_TRADE_UPDATE, TRADE_LITE, ACCOUNT_UPDATE (binance-protocol 5)."""

from typing import Final

from appliance.cold.synthetic.listing import eight, short
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.execution import Execution, Message
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.usdm_account import ASSET, UsdmAccount

# Spot's way of naming what happens, and USD-M's.
_KINDS: Final = {"TRADE_PREVENTION": "EXPIRED"}


def signed(value_e8: int) -> str:
    """As USD-M writes amounts: no needless digit, a sign if it is less than nothing."""
    return "-" + short(-value_e8) if value_e8 < 0 else short(value_e8)


class UsdmReports:
    """Writes the messages of one step, as the venue spells and orders them."""

    def __init__(self, clock: VenueClock) -> None:
        self._clock = clock

    def executed(self, instrument: Instrument, execution: Execution) -> list[Message]:
        """A fill: TRADE_LITE, which is quicker, then the account, then the order."""
        account = execution.order.account
        assert isinstance(account, UsdmAccount)
        messages = []
        if execution.trade is not None:
            messages.append(self._lite(instrument, execution))
            messages.append(self._account(account, instrument, execution.at_ns))
        messages.append(self._update(account, instrument, execution))
        return messages

    def _lite(self, instrument: Instrument, execution: Execution) -> Message:
        order, trade, now_ms = execution.order, execution.trade, self._clock.ms(execution.at_ns)
        assert trade is not None
        return {
            "e": "TRADE_LITE",
            "E": now_ms,
            "T": now_ms,
            "s": order.draft.symbol,
            "q": instrument.quantity(order.lots),
            "p": instrument.price(order.draft.price_ticks),
            "m": trade.is_maker,
            "c": order.draft.client_id,
            "S": order.draft.side_name,
            "L": instrument.price(trade.price_ticks),
            "l": instrument.quantity(trade.lots),
            "t": trade.trade_id,
            "i": order.order_id,
        }

    def _account(self, account: UsdmAccount, instrument: Instrument, at_ns: int) -> Message:
        now_ms = self._clock.ms(at_ns)
        position = account.position(instrument)
        return {
            "e": "ACCOUNT_UPDATE",
            "T": now_ms,
            "E": now_ms,
            "a": {
                "B": [
                    {
                        "a": ASSET,
                        "wb": eight(account.wallet_e8),
                        "cw": eight(account.wallet_e8),
                        "bc": "0",
                    }
                ],
                "P": [
                    {
                        "s": instrument.symbol,
                        "pa": signed(instrument.base_e8(position.lots)),
                        "ep": signed(position.entry_e8),
                        "cr": signed(position.realised_e8),
                        "up": signed(position.unrealised_e8),
                        "mt": "cross",
                        "iw": "0",
                        "ps": "BOTH",
                        "ma": ASSET,
                        "bep": signed(position.break_even_e8),
                    }
                ],
                "m": "ORDER",
            },
        }

    def _update(
        self, account: UsdmAccount, instrument: Instrument, execution: Execution
    ) -> Message:
        order, trade, now_ms = execution.order, execution.trade, self._clock.ms(execution.at_ns)
        draft = order.draft
        bids_e8, asks_e8 = account.open_values_e8(instrument)
        body: Message = {
            "s": draft.symbol,
            "c": draft.client_id,
            "S": draft.side_name,
            "o": draft.kind,
            "f": draft.time_in_force,
            "q": instrument.quantity(order.lots),
            "p": instrument.price(draft.price_ticks) if draft.price_ticks else "0",
            "ap": instrument.price_of(order.filled_quote_e8, order.filled_lots)
            if order.filled_lots
            else "0",
            "sp": "0",
            "x": _KINDS.get(execution.kind, execution.kind),
            "X": order.status,
            "i": order.order_id,
            "l": instrument.quantity(trade.lots) if trade else "0",
            "z": instrument.quantity(order.filled_lots) if order.filled_lots else "0",
            "L": instrument.price(trade.price_ticks) if trade else "0",
            "n": eight(trade.commission_e8) if trade else "0",
            "N": ASSET,
            "T": now_ms,
            "t": trade.trade_id if trade else 0,
            "b": signed(bids_e8),
            "a": signed(asks_e8),
            "m": trade.is_maker if trade else False,
            "R": draft.reduce_only,
            "wt": "CONTRACT_PRICE",
            "ot": draft.kind,
            "ps": "BOTH",
            "cp": False,
            "rp": signed(trade.realised_e8) if trade else "0",
            "pP": False,
            "si": 0,
            "ss": 0,
            "V": draft.prevention.value,
            "pm": "NONE",
            "gtd": draft.good_till_ms,
            "er": "0",
        }
        return {"e": "ORDER_TRADE_UPDATE", "T": now_ms, "E": now_ms, "o": body}
