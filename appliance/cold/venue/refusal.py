"""How the venue says no: Binance's code, its message, and the HTTP status."""

from typing import Final

BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
CONFLICT: Final = 409
BANNED: Final = 418
TOO_MANY: Final = 429


class Refused(Exception):
    """A request that the venue refuses. Messages are Binance's own [errors.md]."""

    def __init__(
        self, code: int, message: str, status: int = BAD_REQUEST, data: object = None
    ) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status
        self.data = data  # more for the client: when to try again, or what became of each part
        self.retry_after_s = 0


def missing(name: str) -> Refused:
    """A parameter that must be there and is not, or cannot be read."""
    return Refused(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def illegal(name: str, legal: str) -> Refused:
    """A parameter with characters that it may not have."""
    return Refused(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."
    )


def not_required(name: str) -> Refused:
    """A parameter that has no meaning here."""
    return Refused(-1106, f"Parameter '{name}' sent when not required.")


def failed_filter(name: str) -> Refused:
    """A filter of the symbol, on spot."""
    return Refused(-1013, f"Filter failure: {name}")


def rejected(message: str) -> Refused:
    """The engine does not take the order."""
    return Refused(-2010, message)


INVALID_SYMBOL: Final = (-1121, "Invalid symbol.")
UNKNOWN_ORDER: Final = (-2011, "Unknown order sent.")
NO_SUCH_ORDER: Final = (-2013, "Order does not exist.")
