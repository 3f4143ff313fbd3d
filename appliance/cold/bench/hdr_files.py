"""Histograms in the forms that other tools read: HdrHistogram's ``.hgrm`` and ``.hlog``.

Our buckets are HdrHistogram's with two significant digits and the lowest value 1
(abi/histogram_layout.py), so counts go over as they are. Encoding: V2, compressed, in base64, as
HdrHistogram's AbstractHistogram.encodeIntoCompressedByteBuffer writes it; the log: version 1.3.
"""

import base64
import struct
import zlib
from collections.abc import Iterator, Sequence
from math import log2
from typing import Final

import numpy as np

from appliance.abi.histogram_layout import VALUE_MAX, bucket_high, bucket_low
from appliance.cold.bench.series import Counts, Series

_COOKIE: Final = 0x1C849303 | 0x10
_COMPRESSED: Final = 0x1C849304 | 0x10
_DIGITS: Final = 2
_TICKS_PER_HALF: Final = 5
_NS_PER_MS: Final = 1_000_000


def encoded(counts: Counts) -> str:
    """A histogram as text."""
    used = np.flatnonzero(counts)
    payload = b"".join(_zigzags(counts[: int(used[-1]) + 1].tolist() if len(used) else []))
    head = struct.pack(">iiiiqqd", _COOKIE, len(payload), 0, _DIGITS, 1, VALUE_MAX, 1.0)
    body = zlib.compress(head + payload)
    return base64.b64encode(struct.pack(">ii", _COMPRESSED, len(body)) + body).decode()


def _zigzags(counts: Sequence[int]) -> Iterator[bytes]:
    """Counts as variable-length integers; a run of zeros as its length, negative."""
    zeros = 0
    for count in counts:
        if count == 0:
            zeros += 1
            continue
        if zeros:
            yield _leb128(-zeros)
            zeros = 0
        yield _leb128(count)


def _leb128(value: int) -> bytes:
    """ZigZag, then seven bits a byte, nine bytes at most."""
    left = (value << 1) ^ (value >> 63)
    left &= (1 << 64) - 1
    made = bytearray()
    while left >= 0x80 and len(made) < 8:
        made.append(left & 0x7F | 0x80)
        left >>= 7
    made.append(left & 0xFF)
    return bytes(made)


def hlog(series: Sequence[Series], made_ns: int, round_s: float) -> str:
    """A line a round of each; the rounds' times are as if they had the same length."""
    lines = [
        "#[Histogram log format version 1.3]",
        f"#[StartTime: {made_ns / 1e9:.3f} (seconds since epoch)]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    for one in series:
        for n, counts in enumerate(one.rounds):
            longest_ms = one.longest_ns[n] / _NS_PER_MS
            start = f"Tag={one.name},{n * round_s:.3f},{round_s:.3f},{longest_ms:.3f}"
            lines.append(f"{start},{encoded(counts)}")
    return "\n".join(lines) + "\n"


def percentile_rows(counts: Counts) -> list[tuple[int, float, int]]:
    """(value, share of all that are no larger, how many), closer together towards the end."""
    total = int(counts.sum())
    if not total:
        return []
    cumulated = np.cumsum(counts)
    rows: list[tuple[int, float, int]] = []
    share = 0.0
    while True:
        rank = max(1, -(-int(share * total * 1e9) // 10**9))
        index = int(np.searchsorted(cumulated, rank))
        reached = int(cumulated[index])
        rows.append((bucket_high(index), share, reached))
        if reached >= total:
            break
        ticks = _TICKS_PER_HALF * 2 ** (int(log2(1 / (1 - share))) + 1)
        share += 1 / ticks
    rows.append((rows[-1][0], 1.0, total))
    return rows


def hgrm(counts: Counts) -> str:
    """The percentile distribution, as HdrHistogram's plotter reads it; values in ns."""
    lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
    for value, share, reached in percentile_rows(counts):
        inverse = f"{1 / (1 - share):14.2f}" if share < 1 else f"{'inf':>14}"
        lines.append(f"{value:12.3f} {share:.12f} {reached:10d} {inverse}")
    used = np.flatnonzero(counts)
    lows = np.array([bucket_low(int(n)) for n in used], np.float64)
    highs = np.array([bucket_high(int(n)) for n in used], np.float64)
    middles, weights = (lows + highs) / 2, counts[used]
    total = int(weights.sum())
    mean = float((middles * weights).sum() / total) if total else 0.0
    spread = float(((middles - mean) ** 2 * weights).sum() / total) ** 0.5 if total else 0.0
    longest = highs[-1] if total else 0.0
    lines += [
        f"#[Mean    = {mean:12.3f}, StdDeviation   = {spread:12.3f}]",
        f"#[Max     = {longest:12.3f}, Total count    = {total:12d}]",
        f"#[Buckets = {len(counts) // 128 - 1:12d}, SubBuckets     = {256:12d}]",
    ]
    return "\n".join(lines) + "\n"
