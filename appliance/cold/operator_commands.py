"""``appliance halt``, ``reduce``, ``resume``, ``status``: the operator's hand.

They speak to a running appliance through its control region and say what it answered.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Final

from appliance.abi import region
from appliance.abi.operator import Operation, Result, control_path
from appliance.abi.region_report import Health
from appliance.abi.trading_state import TradingState
from appliance.cold.control_region import Answer, NotAnswered, post
from appliance.cold.errors import EXIT_NO, EXIT_OK, ApplianceError
from appliance.cold.run_config import RunConfig, load
from appliance.cold.snapshot import snapshot

WITHIN_S: Final = 0.5
WITHIN_MAX_S: Final = 60.0
VENUE_WITHIN_S: Final = 10.0
_CODES: Final = "exit codes: 0 done, 1 the loop does not answer or nothing runs, 2 a wrong request"
_HALT: Final = f"""examples:
  appliance halt                      no new order from now on; what is open stays open
  appliance halt --cancel-all         and everything that is open is cancelled, in one pass
  appliance halt spot-1 --reason "exchange announced maintenance"
  appliance halt spot-1 --cancel-all --venue spot.toml    also when the loop stands still or is gone

With --venue every open order of the configuration's symbols is cancelled over a connection of
this command's own, whoever's they are, if the loop does not answer.
Only `appliance resume` undoes it.
{_CODES}"""
_REDUCE: Final = f"""examples:
  appliance reduce                    only orders that bring a position nearer to zero

{_CODES}"""
_RESUME: Final = f"""examples:
  appliance resume --reason "limit raised after the talk with risk"

Counts in a row and the peak of the drawdown begin anew. The loss of the day stays: while it is
beyond its limit, the appliance halts again at once.
{_CODES}"""
_STATUS: Final = """examples:
  appliance status                    the run that was started last
  appliance status spot-1 --json      one JSON document

exit codes: 0 it trades, 1 it does not (halted, starting, dead), 2 a wrong request"""


def add_parser(subparsers: Any) -> None:
    """All four of them."""
    halt = _parser(subparsers, "halt", "let no new order out, at once", _HALT)
    halt.add_argument("--cancel-all", action="store_true", help="cancel what is open, too")
    add_reason(halt, required=False)
    halt.add_argument(
        "--venue",
        metavar="CONFIG",
        help="where the loop does not answer: cancel at the venue, with this configuration's key",
    )
    halt.set_defaults(run=run_halt)
    reduce = _parser(subparsers, "reduce", "let out only what reduces a position", _REDUCE)
    add_reason(reduce, required=False)
    reduce.set_defaults(run=run_reduce)
    resume = _parser(subparsers, "resume", "let orders out again", _RESUME)
    add_reason(resume, required=True)
    resume.set_defaults(run=run_resume)
    status = _parser(subparsers, "status", "whether it trades, and why it does not", _STATUS)
    status.set_defaults(run=run_status)


def _parser(subparsers: Any, name: str, help_text: str, epilog: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=help_text,
        description=f"{help_text[0].upper()}{help_text[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "region", nargs="?", metavar="NAME|PATH", help="which run (default: the one started last)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    return parser


def add_reason(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """``--reason`` and ``--within``, which every command that asks something of the loop has."""
    parser.add_argument("--reason", required=required, default="", metavar="TEXT", help="why")
    parser.add_argument(
        "--within",
        type=_seconds,
        default=WITHIN_S,
        metavar="S",
        help=f"wait so long for an answer (default {WITHIN_S})",
    )


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= WITHIN_MAX_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time above 0, up to {WITHIN_MAX_S} s")
    return value


def run_halt(args: argparse.Namespace) -> int:
    operation = Operation.HALT_AND_CANCEL if args.cancel_all else Operation.HALT
    if args.venue is None:
        return _tell(args, operation)
    if not args.cancel_all:
        raise ApplianceError("--venue cancels: it goes with --cancel-all")
    config = load(Path(args.venue), trades=False)
    try:
        path = found(args)
        answer = post(control_path(path), operation, args.reason, args.within)
    except (NotAnswered, ApplianceError) as error:
        return _cancel_at_venue(config, str(error), as_json=args.json)
    print(json.dumps(_as_dict(answer)) if args.json else _sentence(answer, operation))
    return EXIT_OK


def _cancel_at_venue(config: RunConfig, why: str, *, as_json: bool) -> int:
    """The loop cannot be told: by a connection of our own."""
    import asyncio

    from appliance.cold.live.kill_switch import cancel_at_venue

    swept = asyncio.run(cancel_at_venue(config, VENUE_WITHIN_S))
    told = {"answered": False, "why": why, "cancelled": swept.found, "left": swept.left}
    if as_json:
        print(json.dumps(told | {"failed": swept.failed}))
    elif swept.failed:
        print(f"{why}; at the venue {swept.left} orders may be open: {swept.failed}")
    else:
        print(f"{why}; at the venue {swept.found} orders were cancelled, nothing is open")
    return EXIT_NO if swept.failed else EXIT_OK


def run_reduce(args: argparse.Namespace) -> int:
    return _tell(args, Operation.REDUCE)


def run_resume(args: argparse.Namespace) -> int:
    if not args.reason.strip():
        raise ApplianceError("--reason must say why: it is what the next person reads")
    return _tell(args, Operation.RESUME)


def _tell(args: argparse.Namespace, operation: Operation) -> int:
    path = found(args)
    try:
        answer = post(control_path(path), operation, args.reason, args.within)
    except NotAnswered as error:
        why = f"{error}; orders that are open at the venue stay open"
        if args.json:
            print(json.dumps({"answered": False, "why": why}))
        else:
            print(f"{why}. It is carried out if the loop goes on; see `appliance status`")
        return EXIT_NO
    if args.json:
        print(json.dumps(_as_dict(answer)))
    else:
        print(_sentence(answer, operation))
    return EXIT_OK


def found(args: argparse.Namespace) -> Any:
    """The telemetry region of the run that is meant. ApplianceError: nobody is there to tell."""
    try:
        path = region.find(args.region)
        with region.attach(path) as view:
            health = view.health()
    except region.RegionError as error:
        raise ApplianceError(str(error)) from None
    if not health.is_good and health != Health.STALE:
        raise ApplianceError(f"{path.name}: this run is {health}: there is nobody to tell")
    return path


def _as_dict(answer: Answer) -> dict[str, Any]:
    return {
        "answered": True,
        "result": answer.result.name.lower(),
        "before": answer.before.name,
        "after": answer.after.name,
        "open_orders": answer.open_orders_n,
        "waited_ms": round(answer.waited_s * 1000, 3),
    }


def _sentence(answer: Answer, operation: Operation) -> str:
    if answer.result is Result.UNCHANGED:
        return f"{answer.after.name} already; nothing has changed"
    line = f"{answer.before.name} -> {answer.after.name}"
    if operation is Operation.HALT_AND_CANCEL:
        return f"{line}; {answer.open_orders_n} open orders are being cancelled"
    if operation is Operation.HALT and answer.open_orders_n:
        return f"{line}; {answer.open_orders_n} orders stay open (--cancel-all cancels them)"
    return line


def run_status(args: argparse.Namespace) -> int:
    try:
        with region.attach(region.find(args.region)) as view:
            now = snapshot(view)
    except region.RegionMissing as error:
        if args.json:
            print(json.dumps({"health": "gone", "trading_state": None}))
        else:
            print(error)
        return EXIT_NO
    except region.RegionError as error:
        raise ApplianceError(str(error)) from None
    trades = now["trading_state"] == TradingState.ACTIVE.name and Health(now["health"]).is_good
    told = {key: now[key] for key in ("name", "pid", "mode", "health", "trading_state", "state")}
    positions = now["positions"].values()
    open_orders_n = sum(position["open_orders"] for position in positions)
    positions_n = sum(position["position_lots"] != 0 for position in positions)
    if args.json:
        more = {"open_orders": open_orders_n, "positions": positions_n, "trades": trades}
        print(json.dumps(told | more))
    else:
        print(_status_text(told, open_orders_n, positions_n))
    return EXIT_OK if trades else EXIT_NO


def _status_text(told: dict[str, Any], open_orders_n: int, positions_n: int) -> str:
    state = told["state"]
    why = f" by {state['cause'].lower()}" if state["cause"] != "NONE" else ""
    if state["reason"] != "NONE":
        why += f": {state['reason'].lower()}, observed {state['observed']}, limit {state['limit']}"
    return (
        f"{told['name']} ({told['mode']}, process {told['pid']}): {told['health']},"
        f" {told['trading_state']}{why}; {open_orders_n} open orders, {positions_n} positions"
    )
