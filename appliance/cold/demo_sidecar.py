"""The demo's record: ``sidecar run`` as a child process, ended with the demo and read back."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

_END_S: Final = 20.0


class DemoSidecar:
    """``with DemoSidecar(name, folder) as sidecar``: watches the run of that name.

    The demo does not depend on it: what goes wrong stands in ``told`` and nowhere else.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self._name, self._folder = name, folder
        self.told: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._output = tempfile.TemporaryFile(mode="w+")
        self._errors = tempfile.TemporaryFile(mode="w+")
        words = ["run", "--region", self._name, "--spool", str(self._folder), "--json"]
        # A session of its own: Ctrl-C is for the demo, whose last figures are recorded, too.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sidecar", *words],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._errors,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        output, errors = _whole(self._output), _whole(self._errors)
        self.told = {"folder": str(self._folder)} | self._read_back(output, errors)

    def _read_back(self, output: str, errors: str) -> dict[str, Any]:
        """What the record says: how much there is, and the orders that the run counted last."""
        if self._process.returncode != 0:
            return {"error": errors.strip().splitlines()[-1] if errors.strip() else "it died"}
        told = json.loads(output)
        sampler, recorder = told["sampler"], told["recorder"]
        return {
            "frames": recorder["frames"],
            "lost_frames": recorder["lost_frames"],
            "recordings": recorder["folder"],
            "intervals": sampler["intervals_n"],
            "points": sampler["lines_n"],
            "orders": self._last_total("new"),
            "fills": self._last_total("fill"),
        }

    def _last_total(self, kind: str) -> int:
        """Of the run's orders, as ``sidecar query`` reads it; 0 if there were none."""
        words = ["query", "lc_orders", "--spool", str(self._folder), "--json", "--field", "total"]
        words += ["--tag", f"proc={self._name}", "--tag", f"kind={kind}"]
        done = subprocess.run(
            [sys.executable, "-m", "sidecar", *words],
            capture_output=True,
            text=True,
            timeout=_END_S,
            check=False,
        )
        points = json.loads(done.stdout)["points"] if done.returncode == 0 else []
        return int(points[-1]["fields"]["total"]) if points else 0


def _whole(file: Any) -> str:
    """Its text; closes it."""
    with file:
        file.seek(0)
        return str(file.read())
