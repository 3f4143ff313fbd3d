"""How far each run has been read, on disk: two files in turns, each with its interval's number.

Which of the two counts is decided by the spool's last record, so that a file that was being written
when the process died is simply the other one.
"""

import json
import os
import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from sidecar.region_reader import Place
from sidecar.totals import STAGES_N, Totals

Places = dict[str, Place]  # by the name of the run

_HEADER: Final = struct.Struct("<8sqII")  # magic, number, bytes of the JSON, crc32
_MAGIC: Final = b"LCPLACE1"

KEPT_MAX: Final = 64  # runs by name; of those that are gone, the latest


def newest(places: Places) -> Places:
    """Those that were read last, so that years of names do not add up."""
    by_end = sorted(places.items(), key=lambda item: item[1].end_ns)
    return dict(by_end[-KEPT_MAX:])


def store(folder: Path, number: int, places: Places) -> None:
    """The places after interval ``number``. OSError: the other file is untouched."""
    told = {
        name: {
            "epoch": place.epoch,
            "end_ns": place.end_ns,
            "restarts_n": place.restarts_n,
            "build": place.build,
            "before": place.before,
            "is_new": place.is_new,
            "counters": place.totals.counters,
            "sums_ns": place.totals.sums_ns,
            "events_n": place.totals.events_n,
        }
        for name, place in places.items()
    }
    text = json.dumps(told).encode()
    buckets = b"".join(place.totals.buckets.astype("<i8").tobytes() for place in places.values())
    body = zlib.compress(text + buckets, 1)
    data = _HEADER.pack(_MAGIC, number, len(text), zlib.crc32(body)) + body
    temporary = folder / "places.new"
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fdatasync(file.fileno())
    temporary.replace(_path(folder, number))


def load(folder: Path, number: int) -> Places | None:
    """The places after interval ``number``; None if they are lost: what a run has counted since its
    beginning is then told a second time, and the spool says so (``Spool.places_lost``)."""
    try:
        data = _path(folder, number).read_bytes()
    except OSError:
        return None
    if len(data) < _HEADER.size:
        return None
    magic, own_number, text_bytes, check = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    if magic != _MAGIC or own_number != number or zlib.crc32(body) != check:
        return None
    plain = zlib.decompress(body)
    told = json.loads(plain[:text_bytes])
    buckets = np.frombuffer(plain[text_bytes:], "<i8").astype(np.int64)
    if len(buckets) % max(len(told) * STAGES_N, 1):
        return None
    buckets = buckets.reshape(len(told), STAGES_N, -1) if told else buckets
    return {
        name: Place(
            one["epoch"],
            one["end_ns"],
            Totals(one["counters"], buckets[k], one["sums_ns"], one["events_n"]),
            one["restarts_n"],
            one.get("build", ""),
            one.get("before", ""),
            one.get("is_new", False),
        )
        for k, (name, one) in enumerate(told.items())
    }


def _path(folder: Path, number: int) -> Path:
    return folder / f"places-{number % 2}"
