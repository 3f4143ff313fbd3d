"""Sets of CPUs as the kernel writes them: lists (``0-1,4``) and masks in hex (``ff,ffffffff``)."""

from collections.abc import Iterable

CPUS_MAX = 8192


def parse_list(text: str) -> frozenset[int]:
    """``0-1,4``; empty, or "(null)" as the kernel says for none. ValueError."""
    text = text.strip()
    if text in ("", "(null)"):
        return frozenset()
    cpus: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"{text!r} is no list of CPUs, as 2-3 or 2,4")
        span = range(int(first), int(last if dash else first) + 1)
        if not span or span[-1] >= CPUS_MAX:
            raise ValueError(f"{text!r} is no list of CPUs, as 2-3 or 2,4")
        cpus.update(span)
    return frozenset(cpus)


def parse_mask(text: str) -> frozenset[int]:
    """Words of 32 bits, the highest first. ValueError."""
    words = text.strip().split(",")
    bits = 0
    for word in words:
        bits = bits << 32 | int(word, 16)
    return frozenset(n for n in range(bits.bit_length()) if bits >> n & 1)


def list_text(cpus: Iterable[int]) -> str:
    """The shortest list."""
    spans: list[list[int]] = []
    for cpu in sorted(cpus):
        if spans and cpu == spans[-1][1] + 1:
            spans[-1][1] = cpu
        else:
            spans.append([cpu, cpu])
    return ",".join(f"{a}-{b}" if a < b else f"{a}" for a, b in spans)


def mask_text(cpus: Iterable[int]) -> str:
    """As the kernel takes it: words of 32 bits behind the first."""
    bits = sum(1 << cpu for cpu in set(cpus))
    words = [f"{bits & 0xFFFFFFFF:x}"]
    while bits := bits >> 32:
        words[-1] = words[-1].rjust(8, "0")
        words.append(f"{bits & 0xFFFFFFFF:x}")
    return ",".join(reversed(words))
