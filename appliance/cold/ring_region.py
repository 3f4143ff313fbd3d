"""Makes the file of a loop's rings, and removes those that dead processes left."""

import contextlib
from pathlib import Path
from typing import Final

from appliance.abi.operator import CONTROL_SUFFIX
from appliance.abi.process_identity import is_alive
from appliance.abi.region import RegionError, attach
from appliance.abi.ring_region import RINGS_SUFFIX, region_bytes, ring_places, rings_path
from appliance.abi.telemetry import REGION_PREFIX, REGION_SUFFIX
from appliance.cold import mapping
from appliance.hot.rings import Rings, rings_in

FILE_MODE: Final = 0o640  # who may read the telemetry may look into the rings


class RingRegion:
    """The mapped file and the rings over it."""

    def __init__(self, telemetry_path: Path, folder: Path | None = None) -> None:
        """The rings beside the telemetry region that this process owns, or in ``folder``.

        On hugetlbfs they get huge pages. Raises ApplianceError for want of room.
        """
        path = rings_path(telemetry_path, folder)
        remove_orphans(path.parent, telemetry_path.parent)
        places = ring_places()
        self._region = mapping.create(path, region_bytes(places), mode=FILE_MODE)
        self._rings: Rings | None = rings_in(self._region, places, initialise=True)

    @property
    def rings(self) -> Rings:
        """Drop every reference before ``close``."""
        assert self._rings is not None, "the rings are closed"
        return self._rings

    def close(self) -> None:
        """Remove the name and let go. A second call does nothing."""
        if self._rings is not None:
            self._region.unlink()
            self._rings = None
            self._region.close()


def remove_orphans(folder: Path, telemetry_folder: Path) -> int:
    """Remove rings and mailboxes of processes that died without doing so; how many files.

    A capture ring stays until its run's name is used again: somebody may still want to record it.
    """
    removed_n = 0
    for path in folder.glob(f"{REGION_PREFIX}*"):
        if path.suffix not in (RINGS_SUFFIX, CONTROL_SUFFIX):
            continue
        owner = telemetry_folder / (path.name.removesuffix(path.suffix) + REGION_SUFFIX)
        try:
            with attach(owner) as view:
                orphaned = not is_alive(view.identity.process)
        except RegionError:
            orphaned = not owner.exists()
        if orphaned:
            with contextlib.suppress(OSError):
                path.unlink()
                removed_n += 1
    return removed_n
