"""hftbacktest running a market maker, in an environment of its own: our oracle, and our rival.

``python peer.py convert RECORDING OUT.npz``
``python peer.py serve DATA.npz SETTINGS.json`` runs the strategy once for each line on standard
input. "trace": answers with its orders, fills and final state as one line of JSON; "time": with the
seconds that a run took.

The strategy: every 10 ms (on whole multiples) it wants one post-only order a side, so many ticks
from the middle, not through its own order on the other side; one at another price is cancelled,
when the venue has told that it has it.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from hftbacktest import (
    BUY,
    FILLED,
    GTX,
    LIMIT,
    NEW,
    NONE,
    BacktestAsset,
    ROIVectorMarketDepthBacktest,
)
from hftbacktest.order import PARTIALLY_FILLED
from numba import njit

STEP_NS = 10_000_000
KEPT = []  # arrays of which it has the address only


@njit
def market_maker(hbt, half_ticks, quantity, tick, lot, sent, fills):
    """``sent``, ``fills``: [0] counts the rows that follow. Steps."""
    steps = 0
    next_id = 1
    tracing = len(sent) > 1
    if hbt.elapse(0) != 0:
        return steps
    wait = STEP_NS - hbt.current_timestamp % STEP_NS
    while hbt.elapse(wait) == 0:
        wait = STEP_NS
        steps += 1
        now = hbt.current_timestamp
        orders = hbt.orders(0)
        if tracing:
            note_fills(orders, fills, lot)
        hbt.clear_inactive_orders(0)
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        if not (np.isfinite(depth.best_bid) and np.isfinite(depth.best_ask)):
            continue
        middle = (bid + ask) // 2
        buy_ticks = sell_ticks = 0
        values = orders.values()
        while values.has_next():
            order = values.get()
            is_buy = order.side == BUY
            if is_buy:
                buy_ticks = order.price_tick
            else:
                sell_ticks = order.price_tick
            wanted = middle - half_ticks if is_buy else middle + half_ticks
            known = order.status in (NEW, PARTIALLY_FILLED)
            if known and order.req == NONE and order.price_tick != wanted:
                hbt.cancel(0, order.order_id, False)
                if tracing:
                    note(sent, now, -1 if is_buy else -2, order.price_tick)
        if buy_ticks == 0 and (sell_ticks == 0 or middle - half_ticks < sell_ticks):
            hbt.submit_buy_order(
                0, next_id, (middle - half_ticks) * tick, quantity, GTX, LIMIT, False
            )
            next_id += 1
            if tracing:
                note(sent, now, 1, middle - half_ticks)
        if sell_ticks == 0 and (buy_ticks == 0 or middle + half_ticks > buy_ticks):
            hbt.submit_sell_order(
                0, next_id, (middle + half_ticks) * tick, quantity, GTX, LIMIT, False
            )
            next_id += 1
            if tracing:
                note(sent, now, 2, middle + half_ticks)
    if tracing:
        note_fills(hbt.orders(0), fills, lot)
    return steps


@njit
def note(sent, now, what, ticks):
    n = sent[0, 0] + 1
    sent[0, 0] = n
    sent[n, 0] = now
    sent[n, 1] = what
    sent[n, 2] = ticks


@njit
def note_fills(orders, fills, lot):
    values = orders.values()
    while values.has_next():
        order = values.get()
        if order.status == FILLED:
            n = fills[0, 0] + 1
            fills[0, 0] = n
            fills[n, 0] = order.exch_timestamp
            fills[n, 1] = 1 if order.side == BUY else -1
            fills[n, 2] = order.price_tick
            fills[n, 3] = round(order.exec_qty / lot)


def asset(data, settings):
    made = BacktestAsset().data(data).linear_asset(1.0)
    entry, response = settings["latency_ns"][:2] if "latency_ns" in settings else (0, 0)
    if "latency_orders" in settings:
        rows = np.zeros(
            len(settings["latency_orders"]),
            np.dtype(
                [("req_ts", "i8"), ("exch_ts", "i8"), ("resp_ts", "i8"), ("_padding", "i8")],
                align=True,
            ),
        )
        for row, order in zip(rows, settings["latency_orders"], strict=True):
            row["req_ts"], row["exch_ts"], row["resp_ts"] = order
        made.intp_order_latency(rows)
        KEPT.append(rows)
    else:
        made.constant_order_latency(entry, response)
    queue = settings["queue"]
    if queue == "RISK_AVERSE":
        made.risk_adverse_queue_model()
    elif queue.startswith("POWER"):
        number = {"POWER": "", "POWER_2": "2", "POWER_3": "3"}[queue]
        getattr(made, f"power_prob_queue_model{number}")(settings["power"])
    else:
        getattr(made, {"LOG": "log_prob_queue_model", "LOG_2": "log_prob_queue_model2"}[queue])()
    if settings.get("partial"):
        made.partial_fill_exchange()
    else:
        made.no_partial_fill_exchange()
    made.trading_value_fee_model(settings["maker_fee"], settings["taker_fee"])
    made.tick_size(settings["tick"]).lot_size(settings["lot"])
    made.roi_lb(settings["low"]).roi_ub(settings["high"]).last_trades_capacity(0)
    return made


def run(data, settings, *, tracing):
    hbt = ROIVectorMarketDepthBacktest([asset(data, settings)])
    size = 1 << 20 if tracing else 1
    sent, fills = np.zeros((size, 3), np.int64), np.zeros((size, 4), np.int64)
    began = time.perf_counter()
    names = ("half_ticks", "quantity", "tick", "lot")
    steps = market_maker(hbt, *(settings[name] for name in names), sent, fills)
    took_s = time.perf_counter() - began
    state = hbt.state_values(0)
    depth = hbt.depth(0)
    middle = (depth.best_bid + depth.best_ask) / 2
    told = {
        "steps": steps,
        "sent": sent[1 : sent[0, 0] + 1].tolist(),
        "fills": fills[1 : fills[0, 0] + 1].tolist(),
        "position": state.position,
        "equity": state.balance + state.position * middle - state.fee,
        "fee": state.fee,
        "middle": middle,
    }
    hbt.close()
    return took_s, told


def serve(data_path, settings_path):
    settings = json.loads(Path(settings_path).read_text())
    with np.load(data_path) as file:
        data = file["data"]
    run(data, settings, tracing=False)  # compiles
    print("ready", len(data), flush=True)
    for line in sys.stdin:
        tracing = line.strip() == "trace"
        took_s, told = run(data, settings, tracing=tracing)
        print(json.dumps(told) if tracing else took_s, flush=True)


def convert(recording, out):
    from hftbacktest.data.utils.binancefutures import convert as converted

    converted(recording, output_filename=out, buffer_size=20_000_000)


if __name__ == "__main__":
    {"convert": convert, "serve": serve}[sys.argv[1]](*sys.argv[2:])
