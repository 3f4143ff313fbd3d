"""The sidecar's command line: ``python -m sidecar COMMAND``."""

import argparse
import sys
from collections.abc import Sequence

from sidecar import provision_command, query_command, run_command, status

_EPILOG = """examples:
  sidecar run                 keep a record of whatever runs on this host
  sidecar query lc_latency    what was recorded of a metric
  sidecar status              is the appliance alive?
  sidecar status demo --json  everything about the run named demo, for programs"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (0 fine, 1 the answer is no, 2 wrong request)."""
    parser = argparse.ArgumentParser(
        prog="sidecar",
        description="Watches the trading process through shared memory; never touches it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    run_command.add_parser(subparsers)
    status.add_parser(subparsers)
    query_command.add_parser(subparsers)
    provision_command.add_parser(subparsers)
    args = parser.parse_args(arguments)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
