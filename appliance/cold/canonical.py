"""Rewrites a verdict as the plainest frame that says the same, for the compiled decoder to take."""

from json import dumps

from appliance.abi.limits import FRAME_BYTES_MAX
from appliance.abi.market import Kind, Market
from appliance.abi.units import E8, E8_DECIMALS, NO_ID, NO_TIME, NS_PER_MS, NS_PER_US
from appliance.cold.verdict import MS_BELOW, US_BELOW, Level, Listing, Verdict

Members = dict[str, object]


def compose(verdict: Verdict, listing: Listing | None) -> bytes:
    """The frame of ``verdict``: compact, in its envelope, the venue's usual order of keys.

    What a verdict does not hold (ids of the trades in an aggTrade, families, what kind of trade it
    is if not a market one) is gone; the clerk gives the same verdict for the result. A SNAPSHOT
    has no envelope and needs its instrument as hint, as it does from the venue. OTHER and STRANGER
    (``listing`` None) become the shortest frame of their kind. ValueError for UNDECIDED.

    Never longer than FRAME_BYTES_MAX: where the plain form would be, it is as short as possible
    instead. That fits, because what the venue sent did and says no less.
    """
    kind = verdict.kind
    if kind is Kind.OTHER:
        return b"{}"
    if kind is Kind.STRANGER:  # a snapshot that nobody asked for
        return b'{"lastUpdateId":0,"bids":[],"asks":[]}'
    if kind is Kind.UNDECIDED or listing is None:
        raise ValueError(f"a frame of kind {kind.name} has no canonical form")
    frame = _compose(verdict, listing, tight=False)
    return frame if len(frame) <= FRAME_BYTES_MAX else _compose(verdict, listing, tight=True)


def _compose(verdict: Verdict, listing: Listing, *, tight: bool) -> bytes:
    name = listing.symbol.lower()
    if verdict.kind is Kind.TICKER:
        return _json(_enveloped(f"{name}@bookTicker", _ticker(verdict, listing)))
    if verdict.kind is Kind.TRADE or verdict.kind is Kind.AGG_TRADE:
        e = "trade" if verdict.kind is Kind.TRADE else "aggTrade"
        return _json(_enveloped(f"{name}@{e}", _trade(verdict, listing, e)))
    if verdict.kind is Kind.SNAPSHOT:
        return _json(_bare_depth(verdict, listing, tight))
    if verdict.kind is Kind.DEPTH:
        event = _depth(verdict, listing, tight)
        return _json(event if tight else _enveloped(f"{name}@depth", event))
    stream = "depth5" if tight else _partial_stream(verdict)
    if _fits_bare(verdict) and (tight or listing.market is Market.SPOT):
        return _json(_enveloped(f"{name}@{stream}", _bare_depth(verdict, listing, tight)))
    event = _depth(verdict, listing, tight)
    frame = _json(_enveloped(f"{name}@{stream}", event))
    if len(frame) <= FRAME_BYTES_MAX:
        return frame
    return _json(_enveloped(f"!@{stream}", event))  # the event itself names its symbol


def _enveloped(stream: str, event: Members) -> Members:
    return {"stream": stream, "data": event}


def _times(verdict: Verdict) -> Members:
    """``E`` and ``T`` where the verdict has them."""
    stamps = {"E": verdict.values["event_ns"], "T": verdict.values["trade_ns"]}
    return {key: _stamp(time_ns) for key, time_ns in stamps.items() if time_ns != NO_TIME}


def _bare_depth(verdict: Verdict, listing: Listing, tight: bool) -> Members:
    return {
        "lastUpdateId": verdict.values["last_id"],
        **_times(verdict),
        "bids": _texts(verdict.bids, listing, tight),
        "asks": _texts(verdict.asks, listing, tight),
    }


def _depth(verdict: Verdict, listing: Listing, tight: bool) -> Members:
    values = verdict.values
    previous = {} if values["previous_id"] == NO_ID else {"pu": values["previous_id"]}
    return {
        "e": "depthUpdate",
        "E": 0,
        **_times(verdict),
        "s": listing.symbol,
        "U": values["first_id"],
        "u": values["last_id"],
        **previous,
        "b": _texts(verdict.bids, listing, tight),
        "a": _texts(verdict.asks, listing, tight),
    }


def _ticker(verdict: Verdict, listing: Listing) -> Members:
    values = verdict.values
    head = {"e": "bookTicker"} if listing.market is Market.USDM else {}
    return {
        **head,
        "u": values["last_id"],
        "s": listing.symbol,
        "b": decimal_text(values["bid_ticks"], listing.price_grid_e8),
        "B": decimal_text(values["bid_lots"], listing.quantity_grid_e8),
        "a": decimal_text(values["ask_ticks"], listing.price_grid_e8),
        "A": decimal_text(values["ask_lots"], listing.quantity_grid_e8),
        **dict(reversed(_times(verdict).items())),
    }


def _trade(verdict: Verdict, listing: Listing, e: str) -> Members:
    values = verdict.values
    tail = {} if values["at_market"] else {"X": "OTHER"}
    return {
        "e": e,
        "E": _stamp(values["event_ns"]),
        "s": listing.symbol,
        "t" if e == "trade" else "a": values["last_id"],
        "p": decimal_text(values["price_ticks"], listing.price_grid_e8),
        "q": decimal_text(values["quantity_lots"], listing.quantity_grid_e8),
        "T": _stamp(values["trade_ns"]),
        "m": bool(values["buyer_is_maker"]),
        **tail,
    }


def _partial_stream(verdict: Verdict) -> str:
    levels = max(len(verdict.bids), len(verdict.asks))
    return "depth5" if levels <= 5 else "depth10" if levels <= 10 else "depth20"


def _fits_bare(verdict: Verdict) -> bool:
    values = verdict.values
    return values["first_id"] == values["last_id"] and values["previous_id"] == NO_ID


def _texts(levels: list[Level], listing: Listing, tight: bool) -> list[list[str]]:
    text = _short_decimal_text if tight else decimal_text
    return [
        [text(ticks, listing.price_grid_e8), text(lots, listing.quantity_grid_e8)]
        for ticks, lots in levels
    ]


def decimal_text(units: int, grid_e8: int) -> str:
    """Exact, with as many decimals as the grid has: of one shape within an instrument."""
    decimals = len(f"{grid_e8 % E8:0{E8_DECIMALS}}".rstrip("0"))
    whole, part = divmod(units * grid_e8, E8)
    return f"{whole}.{part:0{E8_DECIMALS}}"[: decimals - E8_DECIMALS or None].rstrip(".")


def _short_decimal_text(units: int, grid_e8: int) -> str:
    text = decimal_text(units, grid_e8)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _stamp(time_ns: int) -> int:
    """The shortest stamp that reads as ``time_ns``; shorter units only where they are exact."""
    if time_ns % NS_PER_MS == 0 and time_ns // NS_PER_MS < MS_BELOW:
        return time_ns // NS_PER_MS
    if time_ns % NS_PER_US == 0 and MS_BELOW <= time_ns // NS_PER_US < US_BELOW:
        return time_ns // NS_PER_US
    return time_ns


def _json(value: Members) -> bytes:
    return dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
