"""Records every run of this host, on a thread of its own: ten looks a second."""

import contextlib
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from appliance.abi.capture import CAPTURE_SUFFIX
from appliance.abi.telemetry import REGION_DIRECTORY, REGION_PREFIX, REGION_SUFFIX
from sidecar.own_folder import take
from sidecar.recorder.manifest import OPEN_NAME, Manifest
from sidecar.recorder.run_recorder import RunRecorder

PERIOD_S: Final = 0.1
ROOM_EVERY: Final = 600  # looks
STEPS_MAX: Final = 64  # of one run, before the next one has its turn


class Recorder:
    """``start``, and ``stop`` at the end: everything that was captured by then is recorded."""

    def __init__(
        self,
        root: Path,
        bytes_max: int,
        names: Iterable[str] = (),
        directory: str | Path = REGION_DIRECTORY,
    ) -> None:
        """Into ``root``, up to ``bytes_max``; of ``names``, or of whatever runs in ``directory``.

        FolderError: another sidecar records there, or it is not to be written.
        """
        self._lock_fd = take(root, "a recording", "with --recordings")
        self.root, self._bytes_max = root, bytes_max
        self._names, self._directory = tuple(names), Path(directory)
        self._runs: dict[str, RunRecorder] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._ended = {"frames": 0, "lost_frames": 0}  # of runs that are gone
        self.bytes_n = 0
        self._fault = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, after a last look."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        os.close(self._lock_fd)

    def told(self) -> dict[str, Any]:
        """For the status, by any thread."""
        runs = {name: run.told() for name, run in list(self._runs.items())}
        complaints = [one["complaint"] for one in runs.values() if one["complaint"]]
        return {
            "folder": str(self.root),
            "bytes": self.bytes_n,
            "bytes_max": self._bytes_max,
            "frames": self._ended["frames"] + sum(one["frames"] for one in runs.values()),
            "lost_frames": self._ended["lost_frames"]
            + sum(one["lost_frames"] for one in runs.values()),
            "runs": runs,
            "said": self._fault or "; ".join(complaints),
        }

    def look(self) -> None:
        """One look at every run."""
        self._find_runs()
        for run in self._runs.values():
            for _ in range(STEPS_MAX):
                if not run.step():
                    break

    def make_room(self) -> None:
        """The oldest files that are over go, whoever's they are, until the rest fits. OSError."""
        manifests = []
        for path in self.root.glob(f"*/*/{OPEN_NAME}"):
            with contextlib.suppress(ValueError):  # damaged: its run says so
                manifests.append(Manifest.load(path.parent))
        self.bytes_n = sum(one.bytes_n for one in manifests)
        while self.bytes_n > self._bytes_max:
            with_files = [one for one in manifests if one.over]
            if not with_files:
                return
            oldest = min(with_files, key=lambda one: min(each.last_ns for each in one.over))
            self.bytes_n -= oldest.drop_oldest()
            oldest.store()
            self._forget(oldest)

    def _forget(self, changed: Manifest) -> None:
        """A run that records into that folder takes note."""
        for run in self._runs.values():
            run.files_changed(changed)

    def _run(self) -> None:
        looks_n = 0
        while not self._over.wait(PERIOD_S):
            try:
                self.look()
                if looks_n % ROOM_EVERY == 0:
                    self.make_room()
                self._fault = ""
            except OSError as error:  # such as: no more files may be opened
                self._fault = f"{self.root}: {error.strerror}"
            looks_n += 1
        with contextlib.suppress(OSError):
            self.look()
            for run in self._runs.values():
                run.end()

    def _find_runs(self) -> None:
        names = self._names or [
            path.name[len(REGION_PREFIX) : -len(CAPTURE_SUFFIX)]
            for path in sorted(self._directory.glob(f"{REGION_PREFIX}*{CAPTURE_SUFFIX}"))
        ]
        for name, run in list(self._runs.items()):
            if run.is_idle and name not in names:
                told = run.told()
                for key in self._ended:
                    self._ended[key] += told[key]
                del self._runs[name]
        for name in names:
            if name not in self._runs:
                path = self._directory / f"{REGION_PREFIX}{name}{REGION_SUFFIX}"
                self._runs[name] = RunRecorder(path, self.root)
