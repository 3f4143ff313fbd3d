"""A trading process against a venue that goes wrong again and again; everything from one seed.

    python -m tests.live.campaign --disconnects 200 --drops 200 --silences 50 --doubts 50 --seed 1

After each incident the market stands still for a moment and every level of every book is held
against the venue's own. Orders are watched in the event ring; at the end no order of ours is
anywhere, and positions are what the venue's trades add up to.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from appliance.abi.market import Market
from appliance.cold import compile_cache, run_config, strategy_loader
from appliance.cold.live import key_file
from tests.live.run_file import SYMBOLS, write_run
from tests.live.venue_process import VenueProcess

EAGER: Final = Path(__file__).with_name("eager.py")
SESSION: Final = {
    "book_silence_ms": 5000,
    "stream_silence_ms": 1500,
    "answer_timeout_ms": 500,
}


async def _campaign(
    config_path: Path, venue: VenueProcess, counts: dict[str, int], seed: int, say: Any
) -> dict[str, Any]:
    config = run_config.load(config_path)
    cache = compile_cache.prepare(strategy_loader.source_of(str(EAGER)), compile_cache.LIVE)
    # after the cache: these import Numba
    from appliance.cold.live.trading_run import TradingRun
    from tests.live.incidents import Campaign

    trading = TradingRun(
        config=config,
        key=key_file.load(config.file("keys.file") or Path()),
        strategy=strategy_loader.load_strategy(str(EAGER), {}),
        certified=None,
        cache=cache,
        rings_folder=None,
        say=say,
        process_started_s=time.time(),
    )
    campaign = Campaign(trading, venue, config.market, config.symbols, seed)
    running = asyncio.ensure_future(trading.run(None))
    work = asyncio.ensure_future(campaign.run(counts, say))
    try:
        await asyncio.wait([running, work], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            work.cancel()
            raise AssertionError(f"the run ended early: {running.result()['session']}")
        return work.result()
    finally:
        trading.stop()
        await running


def run(
    market: Market, counts: dict[str, int], seed: int, folder: Path, say: Any
) -> dict[str, Any]:
    """One campaign; its tally."""
    options = ["--symbols", ",".join(SYMBOLS), "--market", market.name.lower(), "--seed", str(seed)]
    with VenueProcess(folder, *options, "--limits-factor", "50") as venue:
        config_path = write_run(folder, venue.ready, market, strategy=EAGER, **SESSION)
        return asyncio.run(_campaign(config_path, venue, counts, seed, say))


def main() -> int:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for name, default in (("disconnect", 200), ("drop", 200), ("silence", 50), ("doubt", 50)):
        parser.add_argument(f"--{name}s", dest=name, type=int, default=default)
    parser.add_argument("--market", choices=("spot", "usdm"), default="spot")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    counts = {name: getattr(args, name) for name in ("disconnect", "drop", "silence", "doubt")}
    with tempfile.TemporaryDirectory() as folder:
        market = Market[args.market.upper()]
        tally = run(
            market, counts, args.seed, Path(folder), lambda text: print(text, file=sys.stderr)
        )
    json.dump(tally, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
