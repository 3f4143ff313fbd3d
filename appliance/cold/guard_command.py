"""``appliance guard``: the guardian of one run, a process of its own."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

from appliance.abi.region import region_path
from appliance.cold.errors import EXIT_OK, ApplianceError
from appliance.cold.run_config import BadConfig, load

HEARTBEAT_MAX_MS: Final = 500
_EPILOG: Final = """examples:
  appliance guard spot.toml                          beside `appliance run spot.toml`
  appliance guard spot.toml --heartbeat-max-ms 200

It waits for the run, and for the next one when that has ended. While the loop's heart beats it
lets its own beat where the gate looks (guardian_age_max_ms of the risk file), and on USD-M keeps
the venue's own countdown wound up. When the loop stands still, or its process is gone, it cancels
every open order of the run's symbols at the venue, whoever's they are, and halts the loop should
it go on. Only a person resumes.
exit codes: 0 ended by a signal, 2 a wrong request or configuration"""


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "guard",
        help="watch a run's heartbeat; cancel at the venue when the loop cannot",
        description="The guardian of a live run.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", metavar="CONFIG", help="the configuration of the run")
    parser.add_argument(
        "--heartbeat-max-ms",
        type=int,
        default=HEARTBEAT_MAX_MS,
        metavar="MS",
        help=f"a loop that is silent for longer stands still (default {HEARTBEAT_MAX_MS})",
    )
    parser.add_argument("--json", action="store_true", help="at the end, one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve ``appliance guard``; returns the exit code."""
    if not 50 <= args.heartbeat_max_ms <= 60_000:
        raise ApplianceError(f"--heartbeat-max-ms {args.heartbeat_max_ms}: must be 50 to 60000")
    config = load(Path(args.config), trades=False)
    if config.mode != "live":
        raise BadConfig(f"{config.path}: mode is {config.mode!r}: there is nothing to guard")
    from appliance.cold.live import key_file

    key = key_file.of(config)
    events = asyncio.run(_guard(config, key, args))
    if args.json:
        print(json.dumps({"events": events}))
    return EXIT_OK


async def _guard(config: Any, key: Any, args: argparse.Namespace) -> list[dict[str, Any]]:
    from appliance.cold.guardian import Guardian
    from appliance.cold.live.endpoints import endpoints_of
    from appliance.cold.live.kill_switch import KillSwitch
    from appliance.cold.live.rest_client import RestClient, rest_tls
    from appliance.cold.live.stopping import Stopping

    def say(text: str) -> None:
        print(f"appliance guard: {text}", file=sys.stderr, flush=True)

    stopped = asyncio.Event()
    try:
        tls = rest_tls(config.file("venue.extra_ca"))
    except OSError as error:
        raise ApplianceError(f"venue.extra_ca: {error}") from None
    rest = RestClient(endpoints_of(config), tls, key)
    with Stopping() as stopping:
        stopping.hear(lambda _number: stopped.set())
        try:
            switch = KillSwitch(rest, config.market, config.symbols)
            path = region_path(config.name)
            guardian = Guardian(path, switch, args.heartbeat_max_ms, say)
            say(f"waiting for {path.name}")
            await guardian.run(stopped)
            return guardian.events
        finally:
            await rest.close()
