"""A run that captures, written by hand; and its recording, read without the code under test."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from appliance.abi.market import FrameSource
from appliance.abi.telemetry import Lifecycle
from appliance.cold.capture_region import CaptureRegion
from appliance.hot.capture import keep
from appliance.hot.frame_ring import Frame
from tests.sidecar.regions import NOW_NS, Run

CAPACITY = 1 << 16


class CapturedRun(Run):
    """Says what it is told to, and remembers it."""

    def __init__(
        self,
        folder: Path,
        name: str = "live",
        *,
        symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT"),
        capacity: int = CAPACITY,
    ) -> None:
        super().__init__(folder, name, symbols=symbols)
        self.ring = CaptureRegion(self.path, self.region.epoch, capacity=capacity)
        self.symbols = symbols
        self.said: list[tuple[int, str, bytes]] = []  # stamp, symbol, frame
        self.now_ns = NOW_NS

    def say(self, frame: bytes, instrument: int = 0, *, after_ns: int = 1000) -> None:
        self.now_ns += after_ns
        data = np.frombuffer(frame, np.uint8).copy()
        place = Frame(0, len(frame), self.now_ns, -1, int(FrameSource.STREAM), 0)
        keep(self.ring.capture, data, place, np.int64(instrument))
        symbol = self.symbols[instrument] if instrument >= 0 else "others"
        self.said.append((self.now_ns, symbol, frame))

    def end(self, state: Lifecycle = Lifecycle.CLEAN) -> None:
        self.ring.close()
        super().end(state)


def lines(folder: Path, symbol: str) -> list[tuple[int, bytes]]:
    """(stamp, frame) of a symbol's files, in the order of their names; markers are left in."""
    found = []
    for path in sorted(folder.glob(f"{symbol.lower()}_*.gz")):
        with gzip.open(path) as file:
            for line in file.read().splitlines():
                stamp, _, frame = line.partition(b" ")
                found.append((int(stamp), frame))
    return found


def frames(folder: Path, symbol: str) -> list[bytes]:
    """Those that are no marker."""
    return [frame for _, frame in lines(folder, symbol) if b"@gap" not in frame]


def marks(folder: Path, symbol: str) -> list[dict[str, Any]]:
    return [json.loads(f)["data"] for _, f in lines(folder, symbol) if b"@gap" in f]


def check_manifest(folder: Path) -> dict[str, Any]:
    """What it says of each file is so, and no other file is there; the manifest."""
    told: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    growing = json.loads((folder / "recording.json").read_text())["files"]
    listed = {one["file"]: one for one in (*told["files"], *growing)}
    assert {path.name for path in folder.glob("*.gz")} == set(listed)
    for name, one in listed.items():
        data = (folder / name).read_bytes()
        plain = gzip.decompress(data).splitlines()
        stamps = [int(line.partition(b" ")[0]) for line in plain]
        kept = [line.partition(b" ")[2] for line in plain if b"@gap" not in line]
        assert len(data) == one["bytes"]
        assert (len(kept), len(plain) - len(kept)) == (one["frames"], one["gaps"])
        assert sum(map(len, kept)) == one["frame_bytes"]
        assert (stamps[0], stamps[-1]) == (one["first_ns"], one["last_ns"])
        assert one["sha256"] in ("", hashlib.sha256(data).hexdigest())
        assert one["sha256"] or one in growing
    return told
