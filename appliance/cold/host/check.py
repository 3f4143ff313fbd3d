"""A whole audit as plain values: by value, and by what the host does.

``python3 -m appliance.cold.host.check --isolated 2-3`` prints it as JSON with nothing installed, so
that a host can be looked at before anything is deployed. ``appliance check-host`` shows it.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.cold.errors import EXIT_NO, EXIT_OK, EXIT_USAGE, ApplianceError
from appliance.cold.host import behaviour, machine, profile
from appliance.cold.host.cpus import list_text, parse_list
from appliance.cold.host.knobs import Finding, Tree, Verdict, audit
from appliance.cold.host.profile import Cores


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--profile", default=profile.USUAL, metavar="NAME", help=f"default: {profile.USUAL}")
    add("--isolated", metavar="LIST", help="cores of the loop, as 2-3 (default: those that are)")
    add("--hugepages", type=int, default=0, metavar="N", help="of 2 MB, that there should be")
    add("--root", default="/", metavar="FOLDER", help="another tree")
    add("--seconds", type=float, default=2.0, metavar="S", help="of spinning, a core (2)")


def look(args: argparse.Namespace) -> tuple[dict[str, Any], list[Finding]]:
    """The audit that the options ask for. ApplianceError: they cannot stand."""
    if not 0.2 <= args.seconds <= 600:
        raise ApplianceError(f"--seconds {args.seconds:g}: give 0.2 to 600")
    if not 0 <= args.hugepages <= 1 << 20:
        raise ApplianceError(f"--hugepages {args.hugepages}: give 0 to {1 << 20}")
    wanted = profile.load(args.profile)
    tree = Tree(Path(args.root))
    cores = _cores(args, tree, wanted.name)
    found = audit(wanted, cores, tree)
    found += _observed(args, cores, wanted)
    return as_dict(wanted.name, cores, found), found


def _cores(args: argparse.Namespace, tree: Tree, name: str) -> Cores:
    if args.isolated is None:
        isolated = machine.isolated_now(tree)
        if not isolated and name != "stock":
            raise ApplianceError(
                "no core is isolated here: say which should be, as --isolated"
                f" {list_text([max(machine.online(tree))])}"
            )
    else:
        try:
            isolated = parse_list(args.isolated)
        except ValueError as error:
            raise ApplianceError(f"--isolated: {error}") from None
        if not isolated:
            raise ApplianceError("--isolated: no core")
    if name == "stock":
        return Cores(isolated, machine.online(tree) - isolated, args.hugepages)
    return machine.cores_of(isolated, tree, args.hugepages)


def _observed(args: argparse.Namespace, cores: Cores, wanted: profile.Profile) -> list[Finding]:
    if Path(args.root).resolve() != Path("/"):
        return behaviour.not_here("another tree: nothing runs in it")
    if not cores.isolated:
        return behaviour.not_here("no core is isolated")
    tickless = any(one.id == "nohz_full" for one in wanted.settings)
    return behaviour.observe(cores, args.seconds, tickless=tickless)


def as_dict(name: str, cores: Cores, found: list[Finding]) -> dict[str, Any]:
    """Plain values."""
    counts = {verdict.value: 0 for verdict in Verdict}
    for one in found:
        counts[one.verdict.value] += 1
    return {
        "profile": name,
        "isolated": list_text(cores.isolated),
        "housekeeping": list_text(cores.housekeeping),
        "ok": not any(one.verdict.is_bad for one in found),
        "verdicts": counts,
        "reboot_needed": any(one.reboot and one.verdict.is_bad for one in found),
        "knobs": [
            {
                "knob": one.knob,
                "verdict": one.verdict.value,
                "wanted": one.wanted,
                "found": one.found,
                "mend": one.mend,
                "reboot": one.reboot,
            }
            for one in found
        ],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 all that applies is right, 1 something is not, 2 a wrong request."""
    parser = argparse.ArgumentParser(
        prog="python3 -m appliance.cold.host.check",
        description="Audits this host against a profile; one JSON document.",
    )
    add_options(parser)
    try:
        told, _ = look(parser.parse_args(arguments))
    except ApplianceError as error:
        print(f"check: {error}", file=sys.stderr)
        return EXIT_USAGE
    print(json.dumps(told, indent=2))
    return EXIT_OK if told["ok"] else EXIT_NO


if __name__ == "__main__":
    sys.exit(main())
