"""Writes JSON in all the ways that mean the same: white space, escapes, order of keys."""

import json
import random
from typing import Any, NamedTuple

from hypothesis import strategies as st


class Frame(NamedTuple):
    data: bytes
    hint: int  # instrument that the carrier of the frame knows, or -1


class Raw(NamedTuple):
    """Text that goes into a frame as it is."""

    text: str


class Members(list[tuple[str, Any]]):
    """A JSON object whose keys may repeat and have an order."""


class Message(NamedTuple):
    """A frame before it is spelled out."""

    stream: str | None
    event: Any
    hint: int


class Style(NamedTuple):
    space: str  # none, usual (as json.dumps), wild
    escape: float  # share of characters written as escapes
    shuffle: bool
    seed: int


PLAIN = Style("none", 0.0, False, 0)


def styles() -> st.SearchStrategy[Style]:
    return st.builds(
        Style,
        st.sampled_from(["none", "usual", "wild"]),
        st.sampled_from([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 1.0]),
        st.booleans(),
        st.integers(0, 2**16),
    )


def spell(message: Message, style: Style, extra: list[tuple[str, Any]] | None = None) -> Frame:
    """The bytes of ``message``; ``extra`` are further keys of its envelope."""
    rng = random.Random(style.seed)
    top = message.event
    if message.stream is not None:
        top = Members([("stream", message.stream), ("data", message.event), *(extra or [])])
        if style.shuffle:
            rng.shuffle(top)
    text = _gap(style, rng) + _spell(top, style, rng) + _gap(style, rng)
    return Frame(text.encode(), message.hint)


def _spell(value: Any, style: Style, rng: random.Random) -> str:
    def gap() -> str:
        return _gap(style, rng)

    after = " " if style.space == "usual" else ""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, str):
        return _spell_string(value, style, rng)
    if isinstance(value, Members):
        inner = [
            f"{gap()}{_spell_string(key, style, rng)}{gap()}:{after}{gap()}"
            f"{_spell(item, style, rng)}{gap()}"
            for key, item in value
        ]
        return "{" + f",{after}".join(inner or [gap()]) + "}"
    if isinstance(value, list):
        inner = [f"{gap()}{_spell(item, style, rng)}{gap()}" for item in value]
        return "[" + f",{after}".join(inner or [gap()]) + "]"
    return json.dumps(value)


def _gap(style: Style, rng: random.Random) -> str:
    if style.space != "wild" or rng.random() < 0.5:
        return ""
    return "".join(rng.choices(" \t\r\n", k=rng.randrange(1, 4)))


def _spell_string(text: str, style: Style, rng: random.Random) -> str:
    out = []
    for c in text:
        if c in '"\\' or c < " ":
            out.append(json.dumps(c)[1:-1])
        elif style.escape and rng.random() < style.escape:
            escaped = "\\/" if c == "/" else json.dumps(c)[1:-1]
            escaped = escaped if len(escaped) > 1 else f"\\u{ord(c):04x}"
            out.append(escaped if rng.random() < 0.5 else _upper_hex(escaped))
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def _upper_hex(escaped: str) -> str:
    return "\\u".join(part.upper() for part in escaped.split("\\u"))
