"""Frames as the venue sends them, made here from a seed: 20 + 20 levels, bookTicker, trade."""

import json
import random

SEED = 20260101


def _levels(rng: random.Random, start: float, step: float, digits: tuple[int, int]) -> list:
    price_digits, quantity_digits = digits
    rows = []
    price = start
    for _ in range(20):
        quantity = rng.choice((0.003, 0.5, 1.25, 12.345, 73.334, 419.494)) * rng.uniform(0.5, 2)
        lots = max(1, round(quantity * 1000))
        rows.append([f"{price:.{price_digits}f}", f"{lots / 1000:.{quantity_digits}f}"])
        price += step * rng.randint(1, 9)
    return rows


def _text(document: dict) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def depth_20(market: str) -> bytes:
    """A depth difference with 20 levels a side."""
    rng = random.Random(SEED)
    digits = (8, 8) if market == "spot" else (2, 3)
    tick = 0.01 if market == "spot" else 0.1
    event = {"e": "depthUpdate", "E": 1723161255208}
    if market == "usdm":
        event["T"] = 1723161255201
    event |= {"s": "BTCUSDT", "U": 50093239189, "u": 50093239202}
    if market == "usdm":
        event["pu"] = 50093239188
    event["b"] = _levels(rng, 61837.0, -tick, digits)
    event["a"] = _levels(rng, 61838.0, tick, digits)
    return _text({"stream": "btcusdt@depth@100ms", "data": event})


def partial_20(market: str) -> bytes:
    """The best 20 levels a side."""
    rng = random.Random(SEED + 1)
    if market == "spot":
        bids = _levels(rng, 61837.0, -0.01, (8, 8))
        asks = _levels(rng, 61838.0, 0.01, (8, 8))
        data = {"lastUpdateId": 50093239218, "bids": bids, "asks": asks}
        return _text({"stream": "btcusdt@depth20@100ms", "data": data})
    text = depth_20("usdm").replace(b"@depth@100ms", b"@depth20@100ms")
    return text[:-2] + b',"st":1}}'


def ticker() -> bytes:
    return (
        b'{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT",'
        b'"b":"61837.63000000","B":"3.78800000","a":"61837.64000000","A":"1.54600000"}}'
    )


FIRST_ID = 50093239189  # of depth_20
IDS = 14  # of each depth_20


def snapshot_before_depth() -> bytes:
    """A REST snapshot that ``depth_20("spot")`` continues."""
    event = json.loads(depth_20("spot"))["data"]
    document = {"lastUpdateId": FIRST_ID - 1, "bids": event["b"], "asks": event["a"]}
    return _text(document)


def depth_after(n: int) -> bytes:
    """The n-th of consecutive spot differences of 20 + 20 levels."""
    first, last = FIRST_ID + n * IDS, FIRST_ID + n * IDS + IDS - 1
    text = depth_20("spot").replace(b"%d" % FIRST_ID, b"%d" % first)
    return text.replace(b"%d" % (FIRST_ID + IDS - 1), b"%d" % last)


def ticker_after(n: int) -> bytes:
    """The n-th of consecutive bookTickers, later than every difference."""
    return ticker().replace(b"50093239212", b"%d" % (60093239212 + n))
