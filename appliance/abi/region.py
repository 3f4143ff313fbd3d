"""Finding a telemetry region and attaching to it: NumPy and the standard library only.

``attach`` maps the file read-only and refuses whatever it could misread.
"""

import mmap
import os
import re
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from appliance.abi import telemetry as layout
from appliance.abi.region_view import RegionView
from appliance.abi.version import ABI_MAJOR, MAGIC

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}")


class RegionError(Exception):
    """The file cannot be read as a telemetry region; the text is one line for the user."""


class RegionMissing(RegionError):
    """There is no such region: nothing runs under that name."""


def region_path(name: str, directory: str | Path = layout.REGION_DIRECTORY) -> Path:
    """Where the region called ``name`` lies. RegionError if that is no name for one."""
    if not _NAME.fullmatch(name):
        raise RegionError(
            f"{name!r} is no name: 1 to 48 letters, digits, '.', '_' or '-', or a path with '/'"
        )
    return Path(directory) / f"{layout.REGION_PREFIX}{name}{layout.REGION_SUFFIX}"


def find(name_or_path: str | None = None, directory: str | Path = layout.REGION_DIRECTORY) -> Path:
    """The region meant: a path (it has a '/'), a name, or the one started last when None."""
    if name_or_path is not None:
        if "/" in name_or_path:
            return Path(name_or_path)
        return region_path(name_or_path, directory)
    ages = []
    for path in Path(directory).glob(f"{layout.REGION_PREFIX}*{layout.REGION_SUFFIX}"):
        try:
            with attach(path) as view:
                ages.append((view.health().is_good, view.identity.created_ns, path))
        except RegionError:
            continue
    if not ages:
        raise RegionMissing(
            f"nothing runs here: no {layout.REGION_PREFIX}*{layout.REGION_SUFFIX} in {directory}"
        )
    return max(ages)[2]


def attach(path: str | Path) -> RegionView:
    """Map the region at ``path`` read-only. RegionError says in one line why it cannot be."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            if stat.st_size < layout.HEADER_BYTES:
                raise RegionError(f"{path} is cut short: {stat.st_size} bytes, not even a header")
            mapping = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED)
    except FileNotFoundError:
        raise RegionMissing(f"no telemetry region at {path}: nothing runs there") from None
    except (OSError, ValueError) as error:
        raise RegionError(f"{path} cannot be mapped: {error}") from None
    _check(path, mapping, stat.st_size)
    return RegionView(path, mapping, (stat.st_dev, stat.st_ino))


def _check(path: Path, mapping: mmap.mmap, size_bytes: int) -> None:
    ready = np.frombuffer(mapping, "<i8", 1, layout.READY_OFFSET)
    if int(ready[0]) != layout.READY:
        if mapping[:8] in (MAGIC, bytes(8)):
            raise RegionError(f"{path} is not ready yet: its writer is still setting it up")
        raise RegionError(f"{path} is not a telemetry region")
    header = np.frombuffer(mapping, layout.HEADER, 1)[0]
    if header["magic"] != MAGIC or int(header["endian_mark"]) != layout.ENDIAN_MARK:
        raise RegionError(f"{path} is not a telemetry region of this kind of machine")
    if int(header["major"]) != ABI_MAJOR:
        raise RegionError(
            f"{path} was written by version {header['major']}.{header['minor']} of the layout; "
            f"this reader knows version {ABI_MAJOR}: use the one that belongs to it"
        )
    if int(header["crc"]) != header_crc(mapping[: layout.HEADER.itemsize]):
        raise RegionError(f"{path} is damaged: the header does not fit its checksum")
    if int(header["layout_hash"]) != layout.LAYOUT_HASH:
        raise RegionError(
            f"{path} has another layout than this reader although the version is the same: "
            "reader and writer come from different builds"
        )
    if size_bytes < int(header["total_bytes"]):
        raise RegionError(
            f"{path} is cut short: {size_bytes} of {header['total_bytes']} bytes are there"
        )


def header_crc(identity: bytes) -> int:
    """Checksum of the header's identity, taken with its own field zero."""
    assert layout.HEADER.fields is not None
    at = layout.HEADER.fields["crc"][1]
    return zlib.crc32(identity[:at] + bytes(8) + identity[at + 8 :])
