"""What the venue says of orders, in the forms of its documents; and the ids of a session."""

from typing import Any

EPOCH = 0x2A
KEY = 7 << 16 | 3
ORDER_ID = "lc-0000002a-000000000007-0003"
CANCEL_ID = "lx-0000002a-000000000007-0003"
E_MS = 1_499_405_658_658


def execution_report(**changed: Any) -> dict[str, Any]:
    """Spot, from user-data-stream.md: a new order of 1 at 0.10264410."""
    return {
        "e": "executionReport",
        "E": E_MS,
        "s": "ETHBTC",
        "c": ORDER_ID,
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "1.00000000",
        "p": "0.10264410",
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": "",
        "x": "NEW",
        "X": "NEW",
        "r": "NONE",
        "i": 4293153,
        "l": "0.00000000",
        "z": "0.00000000",
        "L": "0.00000000",
        "n": "0",
        "N": None,
        "T": E_MS - 1,
        "t": -1,
        "I": 8641984,
        "w": True,
        "m": False,
        "M": False,
        "O": E_MS - 1,
        "Z": "0.00000000",
        "Y": "0.00000000",
        "Q": "0.00000000",
        "W": E_MS - 1,
        "V": "NONE",
    } | changed


def trade_update(**changed: Any) -> dict[str, Any]:
    """USD-M: an ORDER_TRADE_UPDATE; ``changed`` of its ``o``."""
    order = {
        "s": "BTCUSDT",
        "c": ORDER_ID,
        "S": "SELL",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.010",
        "p": "64000.1",
        "ap": "0",
        "sp": "0",
        "x": "NEW",
        "X": "NEW",
        "i": 8886774,
        "l": "0",
        "z": "0",
        "L": "0",
        "N": "USDT",
        "n": "0",
        "T": E_MS - 2,
        "t": 0,
        "b": "0",
        "a": "9.91",
        "m": False,
        "R": False,
        "wt": "CONTRACT_PRICE",
        "ot": "LIMIT",
        "ps": "BOTH",
        "cp": False,
        "rp": "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "NONE",
        "pm": "NONE",
        "gtd": 0,
        "er": "0",
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": E_MS, "T": E_MS - 2, "o": order | changed}


def trade_lite(**changed: Any) -> dict[str, Any]:
    """USD-M: a fill before its ORDER_TRADE_UPDATE."""
    return {
        "e": "TRADE_LITE",
        "E": E_MS,
        "T": E_MS - 2,
        "s": "BTCUSDT",
        "q": "0.010",
        "p": "64000.1",
        "m": False,
        "c": ORDER_ID,
        "S": "SELL",
        "L": "64000.2",
        "l": "0.010",
        "t": 109_100_866,
        "i": 8886774,
    } | changed


def queried(**changed: Any) -> dict[str, Any]:
    """Spot: the answer to a query of an order, from rest-api.md."""
    return {
        "symbol": "ETHBTC",
        "orderId": 4293153,
        "orderListId": -1,
        "clientOrderId": ORDER_ID,
        "price": "0.10264410",
        "origQty": "1.00000000",
        "executedQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": E_MS,
        "updateTime": E_MS,
        "isWorking": True,
        "workingTime": E_MS,
        "origQuoteOrderQty": "0.00000000",
        "selfTradePreventionMode": "NONE",
    } | changed


def reply(request_id: Any, **result: Any) -> dict[str, Any]:
    """WebSocket API: success."""
    return {"id": request_id, "status": 200, "result": result, "rateLimits": []}


def refusal(request_id: Any, status: int, code: int, text: str = "", **more: Any) -> dict[str, Any]:
    """WebSocket API: an error."""
    return {"id": request_id, "status": status, "error": {"code": code, "msg": text} | more}
