"""What is wrong with one value of a configuration: a line, or "" where it is sound."""

from typing import Any, Final
from urllib.parse import urlsplit

from appliance.abi.limits import INSTRUMENTS_MAX
from appliance.abi.region import RegionError, region_path

BOUND_MAX_MS: Final = 86_400_000
_SHOWN: Final = 80


def is_plain(text: str) -> bool:
    return text.isprintable() and len(text) <= _SHOWN


def shown(value: object) -> str:
    """One line of bounded length."""
    try:
        text = repr(value)
    except ValueError:
        return "a number without end"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}.."


def bounds_fault(name: str, value: Any) -> str:
    good = len(value) == 2 and all(type(n) is int and 0 < n <= BOUND_MAX_MS for n in value)
    if not good or value[0] >= value[1]:
        return f"{name} = {shown(value)}: must be two whole numbers, the first one smaller"
    return ""


def name_fault(name: str) -> str:
    try:
        region_path(name)
    except RegionError:
        return f"name = {shown(name)}: must be 1 to 48 letters, digits, '.', '_' or '-'"
    return ""


def symbols_fault(value: Any) -> str:
    names = [name for name in value if isinstance(name, str) and name and name.isprintable()]
    if not value or len(names) < len(value):
        return "symbols: must be a list of names, at least one"
    if len(value) > INSTRUMENTS_MAX:
        return f"symbols: {len(value)} names, {INSTRUMENTS_MAX} are possible"
    if len(set(value)) != len(value):
        return "symbols: a name stands there twice"
    return ""


def url_fault(name: str, text: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(text)
        bad = parts.scheme not in schemes or not parts.hostname or parts.port == 0
    except ValueError:
        bad = True
    if bad or "@" in parts.netloc or " " in text or parts.query or parts.fragment:
        told = "" if "@" in text else f" = {shown(text)}"  # a password may stand before it
        return f"{name}{told}: must be {' or '.join(schemes)}://host[:port][/path]"
    return ""
