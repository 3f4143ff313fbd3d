"""What a user is told: one clear line with the way out, and an exit code. Never a traceback."""

from typing import Final

EXIT_OK: Final = 0
EXIT_NO: Final = 1  # the answer is no: a check failed, a gate refused
EXIT_USAGE: Final = 2  # the request was wrong: bad option, bad file, bad configuration


class ApplianceError(Exception):
    """A request that cannot be served; its text is one line for the user."""
