"""What a user is told: one clear line with the way out, and an exit code. Never a traceback."""

from typing import Final

_SHOWN: Final = 160

EXIT_OK: Final = 0
EXIT_NO: Final = 1  # the answer is no: a check failed, a gate refused
EXIT_USAGE: Final = 2  # the request was wrong: bad option, bad file, bad configuration


class ApplianceError(Exception):
    """A request that cannot be served; its text is one line for the user."""

    exit_code = EXIT_USAGE


def one_line(text: str) -> str:
    """The beginning of what somebody else said, printable and in one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_SHOWN]
