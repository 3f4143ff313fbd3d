"""Two releases to go from one to the other, and a database: with what pip and apt have."""

import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.vm.calling import call
from tests.vm.image import KEPT, ROOT

PARTS: Final = ("appliance", "sidecar", "kernel-tuning", "requirements")
FILES: Final = ("pyproject.toml", "README.md", "LICENSE")
MAKE_S: Final = 300


@dataclass(frozen=True)
class Release:
    """``archives``: where each belongs on a host, the release's own last."""

    name: str
    packages: str
    archives: dict[str, Path]

    @property
    def archive(self) -> Path:
        return list(self.archives.values())[-1]


def this(folder: Path) -> Release:
    """Of this checkout."""
    return _made(ROOT, folder)


def following(folder: Path) -> Release:
    """Of one that differs in its version."""
    return _made(_next(folder / "checkout"), folder)


def _next(copy: Path) -> Path:
    copy.mkdir(parents=True)
    for name in PARTS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, copy)
    project = copy / "pyproject.toml"
    text, found_n = re.subn(r'(?m)^version = "(.+)"$', r'version = "\1.1"', project.read_text())
    assert found_n == 1
    project.write_text(text)
    return copy


def _made(checkout: Path, folder: Path) -> Release:
    words = [sys.executable, "-m", "appliance.cold.host.release", "--out", folder]
    told = json.loads(call(*words, cwd=checkout, timeout_s=MAKE_S))
    archives = {one["place"]: Path(one["archive"]) for one in told["archives"]}
    return Release(told["release"], told["packages"], archives)


def influxdb() -> list[str]:
    """Debian's package of InfluxDB and what it needs, as files."""
    place = KEPT / "packages"
    place.mkdir(parents=True, exist_ok=True)
    if not list(place.glob("influxdb_*.deb")):
        call("apt-get", "download", "influxdb", "lsb-base", cwd=place, timeout_s=MAKE_S)
    return sorted(map(str, place.glob("*.deb")))
