"""The writer's side of the telemetry region: made before the loop starts, closed after it ended."""

import secrets
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.abi import telemetry as layout
from appliance.abi.counter_metadata import METADATA, USED, counter_infos
from appliance.abi.event import EVENT
from appliance.abi.layout import records_in
from appliance.abi.limits import EVENT_RING_SLOTS, HISTOGRAM_BUCKETS, INSTRUMENTS_MAX
from appliance.abi.market import symbol_words
from appliance.abi.process_identity import own_identity
from appliance.abi.region import RegionError, header_crc, region_path
from appliance.abi.telemetry import Lifecycle, Section
from appliance.abi.trading_state import TradingState
from appliance.abi.version import ABI_MAJOR, ABI_MINOR, MAGIC
from appliance.cold import mapping
from appliance.cold.errors import ApplianceError
from appliance.cold.region_owner import only_one, refuse_if_owned
from appliance.hot.atomics import fence, store_release
from appliance.hot.broadcast import broadcast_in
from appliance.hot.telemetry import Telemetry, reset

FILE_MODE: Final = 0o640  # readers may be another user of the same group


class TelemetryRegion:
    """One region file and the arrays over it. The hot loop writes through ``telemetry``.

    Lifecycle, clock, names of instruments and rings are the cold side's to write, from here.
    """

    def __init__(self, region: mapping.Region) -> None:
        """Use ``create``."""
        self._region = region
        self._lifecycle = np.frombuffer(
            region, np.int64, layout.BLOCK_WORDS, layout.LIFECYCLE_OFFSET
        )
        self._clock = np.frombuffer(region, np.int64, layout.BLOCK_WORDS, layout.CLOCK_OFFSET)
        self._telemetry: Telemetry | None = _telemetry_in(region)
        self._limit_rows: dict[str, int] = {}  # by name; a row never changes its

    @classmethod
    def create(
        cls,
        name: str,
        *,
        mode: str,
        strategy: str = "",
        cycles: tuple[int, int] = (0, 0),
        directory: str | Path = layout.REGION_DIRECTORY,
    ) -> "TelemetryRegion":
        """Make the region ``lonecore-<name>.telemetry``, ready for readers, in state STARTING.

        What a dead process left under the name is replaced; its readers keep the old mapping.
        ``cycles``: mult and shift of the calibrated cycle counter.
        Raises ApplianceError if a living process owns the name, or for want of room.
        """
        try:
            path = region_path(name, directory)
        except RegionError as error:
            raise ApplianceError(str(error)) from None
        with only_one(path.parent):
            refuse_if_owned(path)
            region = mapping.create(path, layout.REGION_BYTES, mode=FILE_MODE)
            made = cls(region)
            made._write_metadata()
            made._write_header(name, mode, strategy, cycles)
            made.update_clock()
            made.set_lifecycle(Lifecycle.STARTING)
            made._publish()
        return made

    @property
    def path(self) -> Path:
        return self._region.path

    @property
    def epoch(self) -> int:
        """Of this run: a random number."""
        return int(np.frombuffer(self._region, layout.HEADER, 1)["epoch"][0])

    @property
    def telemetry(self) -> Telemetry:
        """The arrays for the hot loop. Drop every reference before ``close``."""
        assert self._telemetry is not None, "the region is closed"
        return self._telemetry

    @property
    def note(self) -> str:
        """Why the memory is not locked; empty if it is."""
        return self._region.note

    def set_instruments(self, instruments: Any) -> None:
        """Names and grids of the INSTRUMENT records, in order. Before the loop runs."""
        words = self.telemetry.status_words
        for i, instrument in enumerate(instruments):
            first = i * layout.STATUS_WORDS
            store_release(words, first, int(words[first]) | 1)
            fence()
            status = self.telemetry.status[i]
            for field in (
                "symbol",
                "market",
                "price_grid_e8",
                "price_decimals",
                "quantity_grid_e8",
                "quantity_decimals",
            ):
                status[field] = instrument[field]
            store_release(words, first, (int(words[first]) | 1) + 1)

    def set_rings(self, rings: Sequence[tuple[str, int]]) -> None:
        """(name, capacity) of each ring, in the order of the loop's ``ring_use`` rows."""
        if len(rings) > layout.RINGS_MAX:
            raise ValueError(f"{len(rings)} rings; {layout.RINGS_MAX} can be shown")
        for row, (name, capacity) in zip(self.telemetry.rings, rings, strict=False):
            row.capacity = capacity
            row.name[:] = symbol_words(name, len(row.name))

    def set_limits(self, uses: Iterable[tuple[str, int, int]]) -> None:
        """(name, used, limit) of each limit that accumulates; of those that are not told of any
        more the limit becomes 0. Once a second is often enough."""
        rows = records_in(
            self._region,
            layout.LIMIT_USE,
            layout.LIMIT_ROWS_MAX,
            layout.SECTIONS[Section.LIMITS].offset,
        )
        told = set()
        for name, used, limit in uses:
            k = self._limit_rows.setdefault(name, len(self._limit_rows))
            rows[k].used, rows[k].limit = used, limit
            rows[k].name[:] = symbol_words(name, layout.LIMIT_NAME_WORDS)
            told.add(k)
        for k in set(self._limit_rows.values()) - told:
            rows[k].limit = 0

    def set_process(
        self,
        *,
        trading_state: TradingState | None = None,
        speed_milli: int | None = None,
        frames_total_n: int | None = None,
        started_ns: int | None = None,
    ) -> None:
        """What is given of the process record. Words that the loop writes are not for here."""
        given = {
            "trading_state": trading_state,
            "speed_milli": speed_milli,
            "frames_total_n": frames_total_n,
            "started_ns": started_ns,
        }
        for field, value in given.items():
            if value is not None:
                self.telemetry.process[0][field] = int(value)

    def set_lifecycle(self, state: Lifecycle) -> None:
        """Say where the process is."""
        self._lifecycle[layout.LIFECYCLE_NS] = time.time_ns()
        store_release(self._lifecycle, layout.LIFECYCLE_STATE, int(state))

    def update_clock(self) -> None:
        """Store the monotonic and the wall clock of one moment; once a second is enough."""
        words = self._clock
        store_release(words, layout.CLOCK_SEQUENCE, int(words[layout.CLOCK_SEQUENCE]) | 1)
        fence()
        words[layout.CLOCK_MONOTONIC_NS] = time.monotonic_ns()
        words[layout.CLOCK_REALTIME_NS] = time.time_ns()
        store_release(words, layout.CLOCK_SEQUENCE, (int(words[layout.CLOCK_SEQUENCE]) | 1) + 1)

    def close(self, state: Lifecycle = Lifecycle.CLEAN, *, unlink: bool = True) -> None:
        """Say how it ended and let go. Readers that have it mapped keep the last figures.

        unlink False: the file stays, for a look at it afterwards. A second call does nothing.
        """
        if self._telemetry is None:
            return
        self.set_lifecycle(state)
        if unlink:
            self._region.unlink()
        del self._lifecycle, self._clock
        self._telemetry = None
        self._region.close()

    def __enter__(self) -> "TelemetryRegion":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(Lifecycle.CLEAN if kind is None else Lifecycle.FAILED)

    def _write_metadata(self) -> None:
        rows = records_in(
            self._region,
            METADATA,
            layout.SECTIONS[Section.METADATA].length_bytes // METADATA.itemsize,
            layout.SECTIONS[Section.METADATA].offset,
        )
        for info in counter_infos():
            row = rows[info.id]
            row["id"], row["kind"] = info.id, int(info.kind)
            row["unit"], row["label"] = info.unit.encode(), info.label.encode()
            row["meaning"] = info.meaning.encode()
            row["state"] = USED

    def _write_header(self, name: str, mode: str, strategy: str, cycles: tuple[int, int]) -> None:
        header = np.frombuffer(self._region, layout.HEADER, 1)
        process = own_identity()
        header["magic"], header["endian_mark"] = MAGIC, layout.ENDIAN_MARK
        header["major"], header["minor"] = ABI_MAJOR, ABI_MINOR
        header["total_bytes"], header["layout_hash"] = layout.REGION_BYTES, layout.LAYOUT_HASH
        header["section_n"] = len(layout.SECTIONS)
        for section, place in layout.SECTIONS.items():
            header["sections"][0, section] = place
        header["pid"], header["start_clock_ticks"] = process.pid, process.start_clock_ticks
        header["boot_id"] = process.boot_id.encode()
        header["epoch"], header["created_ns"] = secrets.randbits(63), time.time_ns()
        header["name"], header["mode"] = name.encode(), mode.encode()
        header["version"], header["strategy"] = _version().encode(), strategy.encode()
        header["cycles_mult"], header["cycles_shift"] = cycles
        header["crc"] = header_crc(header.tobytes())

    def _publish(self) -> None:
        ready = np.frombuffer(self._region, np.int64, layout.BLOCK_WORDS, layout.READY_OFFSET)
        # READY: everything above is written before a reader may believe it (abi/region.attach)
        store_release(ready, 0, layout.READY)


def _telemetry_in(region: mapping.Region) -> Telemetry:
    """The arrays over a zeroed region."""

    def words(section: Section, *shape: int) -> Any:
        place = layout.SECTIONS[section]
        flat = np.frombuffer(region, np.int64, place.length_bytes // 8, place.offset)
        return flat.reshape(shape)

    def records(section: Section, dtype: "np.dtype[np.void]") -> Any:
        place = layout.SECTIONS[section]
        return records_in(region, dtype, place.length_bytes // dtype.itemsize, place.offset)

    telemetry = Telemetry(
        counters=words(Section.COUNTERS, -1, layout.COUNTER_WORDS),
        histograms=words(Section.HISTOGRAMS, -1, HISTOGRAM_BUCKETS),
        stage_words=words(Section.STAGES, -1, layout.STAGE_WORDS),
        heartbeat=np.frombuffer(region, np.int64, layout.BLOCK_WORDS, layout.HEARTBEAT_OFFSET),
        status=records(Section.STATUS, layout.STATUS),
        status_words=words(Section.STATUS, INSTRUMENTS_MAX * layout.STATUS_WORDS),
        rings=records(Section.RINGS, layout.RING),
        process=records(Section.PROCESS, layout.PROCESS),
        events=broadcast_in(
            region,
            layout.SECTIONS[Section.EVENTS].offset,
            EVENT_RING_SLOTS,
            EVENT,
            initialise=True,
        ),
    )
    reset(telemetry)
    return telemetry


def _version() -> str:
    try:
        return version("lonecore")
    except PackageNotFoundError:
        return "unknown"
