"""The loop over sockets, compiled and rehearsed before there is any socket."""

import asyncio

from appliance.abi.market import Market
from appliance.cold import boot
from appliance.cold.compile_cache import Cache
from appliance.cold.live.channel import Say
from appliance.cold.live.loose_threads import LooseThreads
from appliance.cold.live.rehearsal import rehearse_cold
from appliance.cold.live.stopping import Stopping
from appliance.cold.strategy_loader import Strategy
from appliance.cold.warm_up import warm_core
from appliance.hot.wire.links import make_links


async def compile_live(strategy: Strategy, cache: Cache, say: Say) -> None:
    """On an instrument of our own: the venue has not been asked for any yet.

    On a thread: the compiler is long inside one call, and Ctrl-C must not wait for that.
    """
    say("loading the loop" if cache.warm else "compiling the loop (once)")
    core, rings = warm_core(strategy, (0, 0), Market.SPOT)
    links = make_links(1, rings.to_desk)
    await asyncio.to_thread(boot.compile_loop, core, strategy, links)
    await rehearse_cold(core, links)


async def compile_alone(strategy: Strategy, cache: Cache, say: Say) -> None:
    """And nothing else: the next run of this release with this strategy finds it compiled."""
    asyncio.get_running_loop().set_default_executor(LooseThreads())
    with Stopping():
        await compile_live(strategy, cache, say)
    cache.complete()
