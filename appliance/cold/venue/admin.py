"""The venue's own paths, on loopback only: the truth of the engine, and faults at run time.

GET  /venue/state    books, accounts, positions, open orders, trades; ?depth=N levels
GET  /venue/faults   the faults that are on, and how often one has hit since they were set
POST /venue/faults   a JSON object of faults to change; the dice begin anew
POST /venue/market   {"moves": false}: nobody but clients acts, until {"moves": true}
POST /venue/shutdown every connection gets serverShutdown, and is closed after a while
"""

import ipaddress
import json
from dataclasses import asdict
from typing import Any

from appliance.cold.errors import ApplianceError
from appliance.cold.synthetic.listing import eight
from appliance.cold.venue.account import Account
from appliance.cold.venue.faults import FaultBox
from appliance.cold.venue.floor import Floor
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import ClientOrder
from appliance.cold.venue.refusal import Refused
from appliance.cold.venue.spot_account import SpotAccount
from appliance.cold.venue.usdm_account import UsdmAccount
from appliance.cold.venue.usdm_reports import signed

Form = dict[str, Any]


def on_loopback(address: str | None) -> bool:
    """True for an address of this machine."""
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def change_faults(floors: list[Floor], box: FaultBox, text: str) -> Form:
    """What is on afterwards. Raises Refused."""
    try:
        named = json.loads(text or "{}")
        if not isinstance(named, dict):
            raise Refused(-1100, "a JSON object of faults is wanted")
        box.set(box.faults.changed(named))
    except ValueError as error:
        raise Refused(-1100, f"not JSON: {error}") from error
    except ApplianceError as error:
        raise Refused(-1100, str(error)) from error
    for floor in floors:
        floor.clock.skew_ns = box.skew_ns
    return faults(box)


def faults(box: FaultBox) -> Form:
    """What is on, and ``hits``."""
    return {**asdict(box.faults), "hits": box.hits_n}


def move(floors: list[Floor], text: str) -> Form:
    """Let the markets of all symbols stand still or go on. Raises Refused."""
    try:
        named = json.loads(text or "{}")
    except ValueError as error:
        raise Refused(-1100, f"not JSON: {error}") from error
    moves = named.get("moves") if isinstance(named, dict) else None
    if not isinstance(moves, bool):
        raise Refused(-1100, 'say {"moves": true} or {"moves": false}')
    for floor in floors:
        floor.exchange.moves = moves
    return {"moves": moves}


def state(floors: list[Floor], depth: int) -> Form:
    """By market (spot, usdm): ``books`` by symbol and ``accounts`` by name."""
    return {floor.market.name.lower(): _floor(floor, depth) for floor in floors}


def _floor(floor: Floor, depth: int) -> Form:
    exchange = floor.exchange
    return {
        "books": {i.symbol: _book(i, depth) for i in exchange.instruments.values()},
        "accounts": {a.name: _account(floor, a) for a in exchange.accounts},
    }


def _book(instrument: Instrument, depth: int) -> Form:
    engine = instrument.engine
    sides = {
        name: [
            [instrument.price(ticks), instrument.quantity(lots)]
            for ticks, lots in half.depth(depth or 1 << 30)
        ]
        for name, half in (("bids", engine.bids), ("asks", engine.asks))
    }
    return {"lastUpdateId": instrument.tape.last_id, **sides}


def _account(floor: Floor, account: Account) -> Form:
    instruments = floor.exchange.instruments
    form: Form = {
        "openOrders": [_order(instruments[o.draft.symbol], o) for o in account.open.values()],
        "trades": [
            {
                "id": trade.trade_id,
                "orderId": trade.order_id,
                "symbol": trade.symbol,
                "side": "BUY" if trade.side > 0 else "SELL",
                "price": instruments[trade.symbol].price(trade.price_ticks),
                "qty": instruments[trade.symbol].quantity(trade.lots),
                "isMaker": trade.is_maker,
            }
            for trade in account.trades
        ],
        "tradesTotal": account.trades_n,
        "traded": {
            symbol: signed(instruments[symbol].base_e8(lots))
            for symbol, lots in account.traded_lots.items()
        },
    }
    if isinstance(account, SpotAccount):
        form["balances"] = {
            asset: {"free": eight(balance.free_e8), "locked": eight(balance.locked_e8)}
            for asset, balance in account.balances.items()
        }
    if isinstance(account, UsdmAccount):
        form["wallet"] = eight(account.wallet_e8)
        form["positions"] = {
            symbol: signed(position.instrument.base_e8(position.lots))
            for symbol, position in account.positions.items()
        }
    return form


def _order(instrument: Instrument, order: ClientOrder) -> Form:
    draft = order.draft
    return {
        "orderId": order.order_id,
        "clientOrderId": draft.client_id,
        "symbol": draft.symbol,
        "side": draft.side_name,
        "price": instrument.price(draft.price_ticks),
        "origQty": instrument.quantity(order.lots),
        "executedQty": instrument.quantity(order.filled_lots),
        "status": order.status,
    }
