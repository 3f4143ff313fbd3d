"""The parameters of a request, read as what they should be. Refuses as the venue does."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from appliance.abi.units import E8, E8_DECIMALS
from appliance.cold.venue.refusal import Refused, illegal, missing

_DECIMAL: Final = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?")
_DECIMAL_LEGAL: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_INTEGER: Final = re.compile(r"[0-9]{1,20}")


class Params:
    """Names and texts. An empty text counts as not sent."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def has(self, name: str) -> bool:
        return bool(self._texts.get(name))

    def text(self, name: str, default: str | None = None) -> str:
        """The text; Refused if it is missing and there is no default."""
        text = self._texts.get(name) or default
        if text is None:
            raise missing(name)
        return text

    def choice(self, name: str, allowed: Iterable[str], refusal: tuple[int, str]) -> str:
        """One of ``allowed``, or Refused with ``refusal``."""
        text = self.text(name)
        if text not in allowed:
            raise Refused(*refusal)
        return text

    def integer(self, name: str, default: int | None = None) -> int:
        """A number without sign and point."""
        text = self._texts.get(name)
        if not text:
            if default is None:
                raise missing(name)
            return default
        if not _INTEGER.fullmatch(text):
            raise illegal(name, "^[0-9]{1,20}$")
        return int(text)

    def decimal_e8(self, name: str) -> int:
        """A decimal number times 10**8; Refused if it is finer (-1111)."""
        text = self.text(name)
        match = _DECIMAL.fullmatch(text)
        if match is None:
            raise illegal(name, _DECIMAL_LEGAL)
        fraction = (match[2] or "").rstrip("0")
        if len(fraction) > E8_DECIMALS:
            raise Refused(-1111, f"Parameter '{name}' has too much precision.")
        return int(match[1]) * E8 + int(fraction.ljust(E8_DECIMALS, "0"))

    def flag(self, name: str, default: bool = False) -> bool:
        """``true`` or ``false``."""
        text = self._texts.get(name)
        if not text:
            return default
        if text.lower() not in ("true", "false"):
            raise missing(name)
        return text.lower() == "true"

    def names(self, name: str) -> list[str]:
        """A JSON array of names, as ``["A","B"]``; also without the quotes, as some send it."""
        inner = self.text(name).strip().removeprefix("[").removesuffix("]")
        return [part.strip().strip('"') for part in inner.split(",") if part.strip()]
