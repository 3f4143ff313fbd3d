"""Makes the file of the capture ring (abi/capture.py)."""

from pathlib import Path
from typing import Final

from appliance.abi.capture import capture_path
from appliance.abi.limits import CAPTURE_RING_BYTES
from appliance.cold import mapping
from appliance.hot.capture import Capture, capture_in, capture_ring_bytes

FILE_MODE: Final = 0o640  # who may read the telemetry may read what the venue said


class CaptureRegion:
    """The mapped file and the ring over it."""

    def __init__(
        self, telemetry_path: Path, epoch: int, *, capacity: int = CAPTURE_RING_BYTES
    ) -> None:
        """Beside the telemetry region of this process. Raises ApplianceError for want of room."""
        self.path = capture_path(telemetry_path)
        self._region = mapping.create(self.path, capture_ring_bytes(capacity), mode=FILE_MODE)
        self._capture: Capture | None = capture_in(self._region, capacity, epoch)

    @property
    def capture(self) -> Capture:
        """Drop every reference before ``close``."""
        assert self._capture is not None, "the capture ring is closed"
        return self._capture

    def close(self) -> None:
        """Remove the name and let go; whoever has it mapped reads on. Twice does nothing."""
        if self._capture is not None:
            self._region.unlink()
            self._capture = None
            self._region.close()
