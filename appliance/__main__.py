"""``appliance``: the one way in. Each command's options and work live in its own cold module."""

import sys


def main() -> int:
    """The exit code. Ctrl-C ends in one line from the first moment on, while modules load too."""
    try:
        from appliance.cold.command_line import main as run

        return run()
    except KeyboardInterrupt:
        print("\nappliance: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
