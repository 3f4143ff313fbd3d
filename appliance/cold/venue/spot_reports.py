"""Spot user data: executionReport and outboundAccountPosition (binance-protocol 4)."""

from appliance.cold.synthetic.listing import eight
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.execution import Execution, Message
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.spot_account import SpotAccount

_ZERO = "0.00000000"


class SpotReports:
    """Writes the messages of one step, as the venue spells them."""

    def __init__(self, clock: VenueClock) -> None:
        self._clock = clock

    def executed(self, instrument: Instrument, execution: Execution) -> list[Message]:
        account = execution.order.account
        assert isinstance(account, SpotAccount)
        messages = [self._report(instrument, execution)]
        messages.append(self._position(account, instrument, execution.at_ns))
        return messages

    def _report(self, instrument: Instrument, execution: Execution) -> Message:
        order, trade, now_ms = execution.order, execution.trade, self._clock.ms(execution.at_ns)
        draft = order.draft
        canceled = execution.kind == "CANCELED"
        started_ms = self._clock.ms(order.created_ns)
        message: Message = {
            "e": "executionReport",
            "E": now_ms,
            "s": draft.symbol,
            "c": order.canceled_by if canceled and order.canceled_by else draft.client_id,
            "S": draft.side_name,
            "o": draft.kind,
            "f": draft.time_in_force,
            "q": instrument.quantity(order.lots),
            "p": instrument.price(draft.price_ticks),
            "P": _ZERO,
            "F": _ZERO,
            "g": -1,
            "C": draft.client_id if canceled else "",
            "x": execution.kind,
            "X": order.status,
            "r": "NONE",
            "i": order.order_id,
            "l": instrument.quantity(trade.lots if trade else 0),
            "z": instrument.quantity(order.filled_lots),
            "L": instrument.price(trade.price_ticks if trade else 0),
            "n": eight(trade.commission_e8) if trade else "0",
            "N": trade.commission_asset if trade else None,
            "T": now_ms,
            "t": trade.trade_id if trade else -1,
            "I": execution.execution_id,
            "w": order.is_open and draft.rests,
            "m": trade.is_maker if trade else False,
            "M": trade is not None,
            "O": started_ms,
            "Z": eight(order.filled_quote_e8),
            "Y": eight(trade.quote_e8 if trade else 0),
            "Q": eight(draft.quote_e8),
            "W": started_ms,
            "V": draft.prevention.value,
        }
        message |= self._conditional(instrument, execution)
        return message

    def _conditional(self, instrument: Instrument, execution: Execution) -> Message:
        """Keys that are there only when they mean something."""
        order = execution.order
        more: Message = {}
        if order.draft.strategy_id:
            more["j"] = order.draft.strategy_id
        if order.draft.strategy_type:
            more["J"] = order.draft.strategy_type
        if execution.kind == "TRADE_PREVENTION":
            prevented = instrument.quantity(execution.prevented_lots)
            value_e8 = instrument.quote_e8(execution.prevented_ticks, execution.prevented_lots)
            more |= {
                "v": execution.execution_id,
                "A": instrument.quantity(order.prevented_lots),
                "B": prevented,
                "u": -1,
                "U": execution.counter_order_id,
                "Cs": instrument.symbol,
                "pl": prevented,
                "pL": instrument.price(execution.prevented_ticks),
                "pY": eight(value_e8),
            }
        if order.expiry_reason and execution.kind == "EXPIRED":
            more["eR"] = order.expiry_reason
        return more

    def _position(self, account: SpotAccount, instrument: Instrument, at_ns: int) -> Message:
        now_ms = self._clock.ms(at_ns)
        assets = (instrument.base, instrument.quote)
        return {
            "e": "outboundAccountPosition",
            "E": now_ms,
            "u": now_ms,
            "B": [
                {"a": asset, "f": eight(balance.free_e8), "l": eight(balance.locked_e8)}
                for asset in assets
                for balance in (account.balance(asset),)
            ],
        }
