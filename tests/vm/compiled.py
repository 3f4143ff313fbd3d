"""Compiled code for the machine, made on this one: in software an emulated processor would take ten
minutes for what takes one here.

The same release at the same path, under the same Python, for the processor that is emulated: so
the host finds what it would have made itself, and compiles nothing. A playbook's own compilation
still runs there; it is only short.
"""

import shutil
from pathlib import Path
from typing import Final

from appliance.cold.host.release import PLACE
from tests.vm.calling import call
from tests.vm.image import image
from tests.vm.releases import Release

# What the loop is compiled for, here and there: the machine's processor by its name.
PROCESSOR: Final = {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": "+cx16,+popcnt,+sse4.2"}
CACHE: Final = "var/cache/lonecore"
COMPILE_S: Final = 400

_IN_A_ROOT: Final = """
set -eu
mount --bind /proc "$1/proc"
mount --bind /sys "$1/sys"
mount --bind /dev "$1/dev"
shift
exec "$@"
"""


def tree(run: Path, root: Path) -> None:
    """The machine's, as ``root``; with a run's folder, whose strategy is one of the release's own
    and which has a ``lonecore-key`` in it."""
    root.mkdir(parents=True)
    call("tar", "-C", root, "-xf", image() / "root.tar", "--exclude=./dev/*")
    shutil.copytree(run, root / "run" / "trading")


def compiled(release: Release, root: Path) -> Path:
    """What is to be in the machine's /var/cache/lonecore, for the run in ``root`` and a release.

    Needs root, for a tree of its own with /proc, /sys and /dev in it; what is mounted is seen by
    this one program only.
    """
    for place, archive in release.archives.items():
        folder = root / place.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / release.packages).exists():
            call("tar", "-C", folder, "-xf", archive)
    cache = f"{CACHE}-{release.name}"
    variables = [f"{name}={value}" for name, value in PROCESSOR.items()]
    call(
        *("unshare", "-m", "sh", "-c", _IN_A_ROOT, "sh", root, "chroot", root, "env"),
        *(*variables, f"LONECORE_CACHE=/{cache}", "CREDENTIALS_DIRECTORY=/run/trading"),
        *(f"{PLACE}/{release.name}/bin/appliance", "run", "/run/trading/run.toml"),
        "--compile",
        timeout_s=COMPILE_S,
    )
    return root / cache
