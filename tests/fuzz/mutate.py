"""Spoils frames by what they are made of: strings, numbers, structure, white space, members."""

import random
import re
from collections.abc import Callable

from tests.strategies.spoilt import BAD_TOKENS, BAD_VALUES

_TOKEN = re.compile(
    rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[\[\]{}:,]|[ \t\r\n]+|[a-z]+|.', re.DOTALL
)
_SPACES = [b" ", b"  ", b"\n", b"\t", b"\r\n", b" " * 70]
_PUNCTUATION = [b",", b":", b"[", b"]", b"{", b"}", b'"', b"\\", b"[]", b"{}", b"],[", b"\0"]
_STRINGS = [b'"%s"' % s.encode() for s in BAD_VALUES if isinstance(s, str)]
_STRINGS += [b'"BTCUSDT"', b'"BTCUSDC"', b'"btcusdt@depth"', b'"!bookTicker"', b'"NIKKEI"']
_STRINGS += [b'"btcusdt@depth%s"' % s for s in (b"5", b"20@100ms", b"50", b"@", b"@1", b"x", b"5x")]
_STRINGS += [b'"%s"' % (b"x" * n) for n in (7, 8, 62, 63, 64, 65, 70, 128, 200)]
_STRINGS += [b'"%s@depth"' % (b"x" * n) for n in (31, 32, 33, 58, 63, 64, 70)]
_STRINGS += [rb'"\u8fd9\u662f\u6d4b\u8bd5\u5e01456"', rb'"\u0042TCUSDT"', rb'"\u0000"']
_KEYS = [
    *(b'"%s"' % bytes([c]) for c in b"eETsUubaBAtpqmXx"),
    b'"pu"',
    b'"st"',
    b'""',
    b'"\\u0065"',
]
_KEYS += [b'"lastUpdateId"', b'"bids"', b'"asks"', b'"stream"', b'"data"', b'"unknown key"']
_WHOLE_NUMBERS = [b"0", b"1", b"-1", b"-0", b"01", b"9" * 16, b"9" * 17, b"9" * 18, b"9" * 19]
_WHOLE_NUMBERS += [b"9223372036854775807", b"8999999999999", b"9000000000000", b"9000000000000000"]
_NASTY = [token.encode() for token in BAD_TOKENS]


class Mutator:
    """Every choice comes from ``seed``; ``corpus`` is what is spoilt and spliced together."""

    def __init__(self, corpus: list[bytes], seed: int) -> None:
        self.corpus = corpus
        self.rng = random.Random(seed)
        self.ways: list[Callable[[list[bytes]], None]] = [
            # the first lines often leave a frame sound
            *[self._digit, self._digit, self._decimal, self._decimal, self._whole_number],
            *[self._space, self._space, self._space, self._escape, self._escape],
            *[self._member, self._member, self._member, self._level, self._level],
            *[self._delete, self._double, self._swap, self._replace, self._replace],
            *[self._punctuation, self._splice, self._byte, self._nasty],
        ]

    def frame(self) -> bytes:
        """A frame of the corpus, spoilt in one to three ways; one in twenty stays as it is."""
        tokens = _TOKEN.findall(self.rng.choice(self.corpus))
        if self.rng.random() < 0.05:
            return b"".join(tokens)
        for _ in range(self.rng.choice((1, 1, 1, 1, 2, 2, 3))):
            if tokens:
                self.rng.choice(self.ways)(tokens)
        frame = b"".join(tokens)
        if self.rng.random() < 0.03:
            frame = frame[: self.rng.randrange(len(frame) + 1)]
        return frame

    def _at(self, tokens: list[bytes], wanted: Callable[[bytes], bool] | None = None) -> int:
        places = [n for n, token in enumerate(tokens) if wanted is None or wanted(token)]
        return self.rng.choice(places) if places else 0

    def _digit(self, tokens: list[bytes]) -> None:
        at = self._at(tokens, lambda token: any(c in b"0123456789" for c in token))
        places = [k for k, c in enumerate(tokens[at]) if c in b"0123456789"]
        if places:
            k = self.rng.choice(places)
            digit = b"%d" % self.rng.randrange(10)
            tokens[at] = tokens[at][:k] + digit + tokens[at][k + 1 :]

    def _decimal(self, tokens: list[bytes]) -> None:
        """Longer, shorter, without its point, with two, with zeros in front or behind."""
        at = self._at(tokens, lambda token: bool(re.fullmatch(rb'"[0-9.]+"', token)))
        inner = tokens[at].strip(b'"')
        k = self.rng.randrange(len(inner) + 1)
        more = self.rng.choice((b"0", b"00", b"00000000", b"9", b".", b"1234567890", b"-", b" "))
        changed = [more + inner, inner + more, inner[:k] + more + inner[k:]]
        changed += [inner[:k], inner[k:], inner.replace(b".", b""), inner.rstrip(b"0"), b""]
        tokens[at] = b'"' + self.rng.choice(changed) + b'"'

    def _space(self, tokens: list[bytes]) -> None:
        for _ in range(self.rng.choice((1, 1, 4))):
            tokens.insert(self.rng.randrange(len(tokens) + 1), self.rng.choice(_SPACES))

    def _escape(self, tokens: list[bytes]) -> None:
        at = self._at(tokens, lambda token: token[:1] == b'"' and len(token) > 2)
        k = self.rng.randrange(max(len(tokens[at]) - 2, 1)) + 1
        c = tokens[at][k : k + 1]
        if c and c < b"\x80":
            form = self.rng.choice((b"\\u%04x", b"\\u%04X"))
            tokens[at] = tokens[at][:k] + form % c[0] + tokens[at][k + 1 :]

    def _delete(self, tokens: list[bytes]) -> None:
        at = self._at(tokens)
        del tokens[at : at + self.rng.choice((1, 1, 2, 4))]

    def _double(self, tokens: list[bytes]) -> None:
        at = self._at(tokens)
        size = self.rng.choice((1, 1, 2, 4, 8))
        tokens[at:at] = tokens[at : at + size]

    def _swap(self, tokens: list[bytes]) -> None:
        one, other = self._at(tokens), self._at(tokens)
        tokens[one], tokens[other] = tokens[other], tokens[one]

    def _replace(self, tokens: list[bytes]) -> None:
        """A string by another one; a key by another key."""
        at = self._at(tokens, lambda token: token[:1] == b'"')
        is_key = tokens[at + 1 : at + 2] == [b":"]
        tokens[at] = self.rng.choice(_KEYS if is_key else _STRINGS)

    def _whole_number(self, tokens: list[bytes]) -> None:
        at = self._at(tokens, lambda token: token[:1] in b"-0123456789")
        tokens[at] = self.rng.choice(_WHOLE_NUMBERS)

    def _punctuation(self, tokens: list[bytes]) -> None:
        tokens.insert(self.rng.randrange(len(tokens) + 1), self.rng.choice(_PUNCTUATION))

    def _nasty(self, tokens: list[bytes]) -> None:
        at = self._at(tokens, lambda token: token not in (b":", b",", b"{", b"}"))
        tokens[at] = self.rng.choice(_NASTY)

    def _member(self, tokens: list[bytes]) -> None:
        """A key and its value to another place, or once more, or from another frame."""
        rng = self.rng
        source = tokens if rng.random() < 0.7 else _TOKEN.findall(rng.choice(self.corpus))
        members = _members(source)
        places = [n for n, token in enumerate(tokens) if token in (b"{", b",")]
        if not members or not places:
            return
        start, end = rng.choice(members)
        member = source[start:end]
        if source is tokens and rng.random() < 0.8:
            del tokens[start : end + (tokens[end : end + 1] == [b","])]
        places = [n for n, token in enumerate(tokens) if token in (b"{", b",")] or [0]
        at = rng.choice(places) + 1
        tokens[at:at] = [*member, b","]

    def _level(self, tokens: list[bytes]) -> None:
        """One level more, of a shape that the side need not have."""
        at = self._at(tokens, lambda token: token == b"[")
        price = b"%.*f" % (self.rng.randrange(9), self.rng.random() * 10 ** self.rng.randrange(9))
        size = b"%.*f" % (self.rng.randrange(9), self.rng.random() * 10 ** self.rng.randrange(9))
        more = self.rng.choice((b",", b",", b",", b"", b" ,", b", "))
        tokens.insert(at + 1, b'["%s","%s"]%s' % (price, size, more))

    def _splice(self, tokens: list[bytes]) -> None:
        other = _TOKEN.findall(self.rng.choice(self.corpus))
        at, behind = self._at(tokens), self.rng.randrange(len(other))
        if self.rng.random() < 0.5:
            tokens[at:] = other[behind:]
        else:
            tokens[at:at] = other[behind : behind + self.rng.randrange(1, 9)]

    def _byte(self, tokens: list[bytes]) -> None:
        at = self._at(tokens)
        k = self.rng.randrange(max(len(tokens[at]), 1))
        some = bytes([self.rng.choice((self.rng.randrange(256), 0x22, 0x5C, 0x1F, 0x80, 0xED))])
        tokens[at] = tokens[at][:k] + some + tokens[at][k + self.rng.randrange(2) :]


def _members(tokens: list[bytes]) -> list[tuple[int, int]]:
    """(start, end) of members ``"key":value``."""
    found = []
    for start, token in enumerate(tokens):
        if token[:1] != b'"' or tokens[start + 1 : start + 2] != [b":"]:
            continue
        depth = 0
        for end in range(start + 2, len(tokens)):
            depth += tokens[end] in (b"[", b"{")
            if tokens[end] in (b"]", b"}"):
                depth -= 1
            if depth < 0 or (depth == 0 and tokens[end] == b","):
                found.append((start, end))
                break
    return found
