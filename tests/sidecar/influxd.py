"""A real influxd of Debian's package on loopback: started, stopped, paused, asked.

``python -m tests.sidecar.influxd`` fetches the package into build/ (nothing is installed and no
service started). Without it the tests that need one are skipped.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
FETCHED: Final = ROOT / "build" / "influxdb"
PATIENCE_S: Final = 60.0


def find() -> Path | None:
    """LONECORE_INFLUXD, what was fetched, or what is installed."""
    for given in (os.environ.get("LONECORE_INFLUXD"), FETCHED / "usr" / "bin" / "influxd"):
        if given and Path(given).is_file():
            return Path(given)
    installed = shutil.which("influxd")
    return Path(installed) if installed else None


def fetch() -> Path | None:
    """Debian's package, unpacked under build/; None where it cannot be had."""
    if (found := find()) is not None:
        return found
    if not all(map(shutil.which, ("apt-get", "dpkg"))):
        return None
    FETCHED.mkdir(parents=True, exist_ok=True)
    for words in (["apt-get", "download", "influxdb"], ["apt-get", "update"]):
        done = subprocess.run(words, cwd=FETCHED, capture_output=True, timeout=300, check=False)
        if done.returncode == 0 and "download" in words:
            break
    else:
        words = ["apt-get", "download", "influxdb"]
        subprocess.run(words, cwd=FETCHED, capture_output=True, timeout=300, check=False)
    for package in FETCHED.glob("influxdb_*.deb"):
        subprocess.run(["dpkg", "-x", package, FETCHED], check=True)
        package.unlink()
    return find()


def available() -> Path | None:
    """What a test may use: what is there, and under CI what can be fetched."""
    return fetch() if os.environ.get("CI") else find()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Influxd:
    """One server and its data; the data outlive its process."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary, self._folder = binary, folder
        self.port = free_port()
        self._environment = {
            **os.environ,
            "INFLUXDB_DATA_DIR": str(folder / "data"),
            "INFLUXDB_DATA_WAL_DIR": str(folder / "wal"),
            "INFLUXDB_META_DIR": str(folder / "meta"),
            "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{free_port()}",
            "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{self.port}",
            "INFLUXDB_REPORTING_DISABLED": "true",
            "INFLUXDB_MONITOR_STORE_ENABLED": "false",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.start()
        self.query("CREATE DATABASE lonecore", "")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        log = (self._folder / "influxd.log").open("ab")
        self._process = subprocess.Popen(
            [self._binary, "run"], env=self._environment, stdout=log, stderr=log
        )
        log.close()
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            try:
                urllib.request.urlopen(f"{self.url}/ping", timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, "influxd ended"
                time.sleep(0.05)
        raise AssertionError("influxd does not answer")

    def stop(self, number: int = signal.SIGTERM) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        self._process.wait(PATIENCE_S)

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def query(self, text: str, database: str = "lonecore") -> list[dict[str, Any]]:
        """Rows of all series, their tags among the columns. An error is an AssertionError."""
        form = urllib.parse.urlencode({"q": text, "db": database, "epoch": "ns"}).encode()
        with urllib.request.urlopen(f"{self.url}/query", form, timeout=30) as answer:
            (result,) = json.load(answer)["results"]
        assert "error" not in result, f"{text}: {result['error']}"
        return [
            dict(zip(series["columns"], row, strict=True)) | series.get("tags", {})
            for series in result.get("series", ())
            for row in series["values"]
        ]


if __name__ == "__main__":
    where = fetch()
    print(where or "influxd cannot be had here")
    sys.exit(0 if where else 1)
