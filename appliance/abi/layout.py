"""Builds record layouts: natural alignment, no hidden padding, slots of whole cache lines."""

from mmap import mmap

import numpy as np

from appliance.abi.limits import CACHE_LINE

Buffer = bytes | bytearray | memoryview | mmap | np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
Field = tuple[str, str] | tuple[str, str, tuple[int, ...]]


def slot_dtype(fields: list[Field], *, itemsize: int | None = None) -> np.dtype[np.void]:
    """A record that fills whole cache lines.

    Fields follow one another without gaps (each must already stand on its natural alignment);
    what is left of the last cache line, or of ``itemsize`` bytes, is reserved.

    Raises ValueError if a field would need padding before it or the record does not fit.
    """
    packed = np.dtype(fields)
    assert packed.fields is not None and packed.names is not None
    for name in packed.names:
        offset = packed.fields[name][1]
        alignment = packed.fields[name][0].alignment
        if offset % alignment:
            raise ValueError(f"{name} at {offset} is not aligned to {alignment}")
    size = -(-packed.itemsize // CACHE_LINE) * CACHE_LINE if itemsize is None else itemsize
    if size < packed.itemsize or size % CACHE_LINE:
        raise ValueError(f"{packed.itemsize} bytes of fields do not make a slot of {size}")
    return np.dtype(
        {
            "names": list(packed.names),
            "formats": [packed.fields[name][0] for name in packed.names],
            "offsets": [packed.fields[name][1] for name in packed.names],
            "itemsize": size,
        },
        align=True,
    )


def records(count: int, dtype: "np.dtype[np.void]") -> "np.recarray[tuple[int], np.dtype[np.void]]":
    """``count`` zeroed records whose fields are attributes, compiled and uncompiled alike."""
    return np.zeros(count, dtype).view(np.recarray)


def records_in(
    buffer: Buffer, dtype: "np.dtype[np.void]", count: int, offset: int = 0
) -> "np.recarray[tuple[int], np.dtype[np.void]]":
    """``count`` records in shared memory at ``offset``; fields are attributes."""
    return np.frombuffer(buffer, dtype, count, offset).view(np.recarray)
