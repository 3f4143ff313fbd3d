"""Sessions against a venue that goes wrong in one way each: ``python -m tests.live.scenarios``.

A process of its own, because the compiled loop comes from a cache that is set up first. Prints a
JSON object: market and scenario -> "" if all that must hold held, else what did not.
"""

import asyncio
import fcntl
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.abi.counters import REJECT_BASE, Counter
from appliance.abi.link import LinkRole
from appliance.abi.market import Market
from appliance.abi.refusal import Block, Reject
from appliance.abi.trading import OrderState
from appliance.cold import compile_cache, strategy_loader
from appliance.cold.venue.connection import Times
from appliance.cold.venue.server import VenueSettings
from tests.strategies.order_forms import refusal
from tests.venue.running_venue import RunningVenue
from tests.venue.signed import ORDER_PATHS, ask

if TYPE_CHECKING:
    from tests.live.session_bench import SessionBench

CACHE = Path(__file__).resolve().parents[2] / "build" / "test-cache"  # that of tests/e2e
EAGER = Path(__file__).with_name("eager.py")
USER = {Market.SPOT: LinkRole.ORDERS, Market.USDM: LinkRole.USER}
CALM = {"error_before": 0, "error_after": 0, "disconnect": 0, "silent": False, "clock_ms": 0}


async def plain(bench: "SessionBench") -> None:
    await bench.until(lambda: bench.count(Counter.FILLS) > 2, "fills")
    assert bench.connects() == len(bench.session.channels)
    assert bench.count(Counter.GAPS) == 0 == bench.session.messages.unreadable_n


async def lost_user_data(bench: "SessionBench") -> None:
    """Nothing goes out until every live order was asked for."""
    reconciled_n = bench.session._orders.reconciled_n  # type: ignore[union-attr]
    await bench.ask("/venue/faults", {"error_before": 1.0})
    kind = "eventStreamTerminated" if bench.market == Market.SPOT else "listenKeyExpired"
    bench.session.messages.hear(USER[bench.market], json.dumps({"e": kind, "E": 1}).encode())
    await bench.until(lambda: bench.blocks & Block.USER_DATA, "a block")
    await bench.no_order_goes_out()
    assert bench.session._orders.reconciled_n == reconciled_n  # type: ignore[union-attr]
    await bench.ask("/venue/faults", CALM)
    await bench.until(bench.is_healthy, "recovery")
    assert bench.session._orders.reconciled_n > reconciled_n  # type: ignore[union-attr]
    assert any(f"user data lost: {kind}" in said for said in bench.said)


async def unreadable(bench: "SessionBench") -> None:
    """What it was nobody knows: perhaps a fill."""
    role = USER[bench.market]
    connects_n = bench.channel(role).connects_n
    bench.session.messages.hear(role, b'{"e":"executionReport","o":')
    await bench.until(lambda: bench.channel(role).connects_n > connects_n, "a new connection")
    assert bench.session.messages.unreadable_n == 1


async def rotation(bench: "SessionBench") -> None:
    """Make before break: at no moment is there no connection, and no book has a gap."""
    channels = bench.session.channels.values()

    def is_done() -> bool:
        assert all(channel.is_open for channel in channels)
        return all(channel.rotations_n >= 2 for channel in channels)

    await bench.until(is_done, "rotations")
    assert bench.count(Counter.GAPS) == bench.count(Counter.RESYNCS) == 0
    assert {end for channel in channels for end in channel.ends} == {"retired"}


async def silence(bench: "SessionBench") -> None:
    """Connected, pings are answered, nothing comes."""
    await bench.ask("/venue/faults", {"silent": True, "on": "streams"})
    await bench.until(lambda: bench.channel(LinkRole.BOOKS).silences_n > 0, "silence noticed")
    await bench.ask("/venue/faults", CALM)
    await bench.until(lambda: "books: replaced: silent" in bench.said, "another connection")


async def unheard(bench: "SessionBench") -> None:
    """User data are lost on a connection that seems alive: what they told is asked for in time."""
    from appliance.cold.live import inquiry

    usual_s = inquiry.LOOK_AGAIN_S
    lost: list[str] = []
    try:
        for _ in range(20):  # until something is traded in silence
            await bench.ask("/venue/faults", {"silent": True, "on": "streams"})
            await asyncio.sleep(0.3)
            await bench.stand_still(True)
            await bench.ask("/venue/faults", CALM)
            if lost := await bench.differences(bench.account):
                break
            await bench.stand_still(False)
            await bench.until(bench.is_healthy, "recovery")
            await bench.orders_go_out()
        assert lost
        inquiry.LOOK_AGAIN_S = 0.5  # type: ignore[misc]
        until_s = time.monotonic() + 20.0
        while found := await bench.differences(bench.account):
            assert time.monotonic() < until_s, found
    finally:
        inquiry.LOOK_AGAIN_S = usual_s  # type: ignore[misc]
        await bench.stand_still(False)


async def shutdown(bench: "SessionBench") -> None:
    """The venue says that it goes: each connection is replaced before it ends."""
    channels = bench.session.channels.values()
    await bench.ask("/venue/shutdown", {})

    def is_done() -> bool:
        assert all(channel.is_open for channel in channels)
        return all(sum(channel.ends.values()) for channel in channels)

    await bench.until(is_done, "the end of the old ones")
    assert bench.session.server_shutdowns_n >= len(channels)
    assert all(channel.rotations_n == 1 for channel in channels)
    assert bench.count(Counter.GAPS) == bench.count(Counter.RESYNCS) == 0


async def disconnect(bench: "SessionBench") -> None:
    for on in ("streams", "api"):
        connects_n = bench.connects()
        await bench.ask("/venue/faults", {"disconnect": 1.0, "times": 1, "on": on})
        await bench.until(lambda n=connects_n: bench.connects() > n, "a new connection")
        await bench.ask("/venue/faults", CALM)
        await bench.until(bench.is_healthy, "recovery")


async def doubt(bench: "SessionBench") -> None:
    """5xx for what was done, and for what was not: asked until it is known, never sent again."""
    states = bench.core.gateway.orders.table["state"]
    for fault in ("error_after", "error_before"):
        await bench.ask("/venue/faults", {**CALM, fault: 1.0, "times": 3})
        while (await bench.ask("/venue/faults"))["hits"] < 3:
            await asyncio.sleep(0.01)
        await bench.ask("/venue/faults", {**CALM, "times": 0})
    assert bench.session.inquiry.asked_n > 0
    bench.core.gate.account[0].trading_state = 0
    await bench.until(lambda: not (states == OrderState.UNKNOWN).any(), "answers to all")
    bench.core.gate.account[0].trading_state = 2


async def rate(bench: "SessionBench") -> None:
    until = {"serverTime": 1, "retryAfter": int((time.time() + 0.8) * 1000)}
    answer = refusal("lc-00000000-000000000001-0000", 429, -1015, "Too many orders", data=until)
    bench.session.messages.hear(LinkRole.ORDERS, json.dumps(answer).encode())
    await bench.until(lambda: bench.blocks & Block.RATE, "a block")
    await bench.no_order_goes_out()


async def clock(bench: "SessionBench") -> None:
    await bench.ask("/venue/faults", {"clock_ms": 3000})
    bench.session.clock.doubt()
    refusals = bench.core.telemetry.counters[REJECT_BASE + Reject.CLOCK_OFFSET]
    await bench.until(lambda: refusals[0] > 0, "refusals")  # of all that do not reduce
    assert any(said.startswith("clock: ") for said in bench.said)
    await bench.ask("/venue/faults", CALM)
    bench.session.clock.doubt()


BOTH = (Market.SPOT, Market.USDM)
# Scenario: its markets, what is different about the session.
SCENARIOS: dict[Any, tuple[tuple[Market, ...], dict[str, Any]]] = {
    plain: (BOTH, {}),
    lost_user_data: (BOTH, {}),
    unreadable: ((Market.SPOT,), {}),
    rotation: (BOTH, {"life_s": 0.6}),
    silence: (BOTH, {"silence_s": 0.5}),
    unheard: ((Market.USDM,), {}),
    shutdown: (BOTH, {}),
    disconnect: ((Market.SPOT,), {}),
    doubt: (BOTH, {}),
    rate: ((Market.SPOT,), {}),
    clock: ((Market.USDM,), {}),
}


def trade(venue: RunningVenue, market: Market, scenario: Any, changed: dict[str, Any]) -> None:
    """A session of a new account; afterwards nothing may be left, and positions must be equal."""
    from tests.live.parts import key_of
    from tests.live.session_bench import run

    keys = venue.new_keys(market)
    account = f"account{venue._accounts}"

    async def whole(bench: "SessionBench") -> None:
        bench.account = account
        await bench.until(bench.is_healthy, "a start")
        await bench.orders_go_out()
        await scenario(bench)
        if "life_s" in changed:
            for channel in bench.session.channels.values():
                channel.life_s = 3600.0
        await bench.until(bench.is_healthy, "recovery")
        await bench.orders_go_out()
        await bench.settle(account)

    try:
        run(venue, market, key_of(keys), whole, **changed)
    finally:
        venue.post("/venue/faults", {**CALM, "times": 0})
    path = ORDER_PATHS[market].replace("order", "allOrders")
    for symbol in ("BTCUSDT", "ETHUSDT"):
        orders = ask(venue, "GET", path, keys=keys, symbol=symbol, limit=1000).form
        ids = [order["clientOrderId"] for order in orders]
        assert len(ids) == len(set(ids)), "an order was sent twice"


def paper(venue: RunningVenue, market: Market) -> None:
    """Nothing but market data is asked for, and nothing is amiss."""
    from tests.live.session_bench import run

    async def work(bench: "SessionBench") -> None:
        await bench.until(bench.is_healthy, "a start")
        await bench.until(lambda: bench.count(Counter.FILLS) > 0, "fills")
        assert not set(bench.session.channels) & {LinkRole.ORDERS, LinkRole.USER}
        assert bench.session.live_orders_n() >= 0 == bench.session.inquiry.asked_n

    run(venue, market, None, work)


def stranger(venue: RunningVenue, market: Market) -> None:
    """A key that the venue does not know ends the session, which says why."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from appliance.cold.live.key_file import ApiKey
    from tests.live.session_bench import run

    async def work(bench: "SessionBench") -> None:
        await bench.until(lambda: bench.session.fatal, "an end")
        assert "session.logon: -20" in bench.session.fatal
        assert bench.count(Counter.ORDERS_SENT) == 0

    run(venue, market, ApiKey("x" * 64, Ed25519PrivateKey.generate()), work)


def works() -> list[tuple[str, Callable[[RunningVenue], None]]]:
    """Every scenario of every market by its name."""
    found: list[tuple[str, Callable[[RunningVenue], None]]] = [
        ("paper USDM", lambda venue: paper(venue, Market.USDM)),
        ("stranger SPOT", lambda venue: stranger(venue, Market.SPOT)),
    ]
    for scenario, (markets, changed) in SCENARIOS.items():
        for market in markets:
            name = f"{scenario.__name__} {market.name}"
            found.append((name, partial(trade, market=market, scenario=scenario, changed=changed)))
    return found


def prepare() -> None:
    """The loop, compiled or from the cache; what would only make one wait is shortened."""
    os.environ["LONECORE_CACHE"] = str(CACHE)
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        compile_cache.prepare(strategy_loader.source_of(str(EAGER)), compile_cache.LIVE)
        from tests.live.session_bench import compile_once

        compile_once()
    from appliance.cold.live import channel, inquiry

    channel.OVERLAP_S = 0.3  # type: ignore[misc]
    inquiry.CERTAIN_S = 1.5  # type: ignore[misc]  # nothing is on its way for longer here


def main() -> None:
    """Everything, one after the other."""
    prepare()
    results: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        settings = VenueSettings(
            keys_dir=Path(folder), limits_factor=1000, actions_per_s=100, times=Times(notice_s=10.0)
        )
        with RunningVenue(settings) as venue:
            for name, work in works():
                began_s, results[name] = time.monotonic(), ""
                try:
                    work(venue)
                except Exception:
                    results[name] = traceback.format_exc()
                print(f"{name}: {time.monotonic() - began_s:.1f} s", file=sys.stderr)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
