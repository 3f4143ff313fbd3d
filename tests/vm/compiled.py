"""Compiled code for the machine, made on this one: in software an emulated processor would take ten
minutes for what takes one here.

The same release at the same path, under the same Python, for the processor that is emulated: so
the host finds what it would have made itself, and compiles nothing. A playbook's own compilation
still runs there; it is only short.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.vm.calling import call
from tests.vm.image import image

# What the loop is compiled for, here and there: the machine's processor by its name.
PROCESSOR: Final = {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": "+cx16,+popcnt,+sse4.2"}
CACHE: Final = "var/cache/lonecore"
RELEASES: Final = "opt/lonecore/releases"
COMPILE_S: Final = 400

_IN_A_ROOT: Final = """
set -eu
mount --bind /proc "$1/proc"
mount --bind /sys "$1/sys"
mount --bind /dev "$1/dev"
shift
exec "$@"
"""


def compiled(archives: Sequence[Path], run: Path, folder: Path) -> Path:
    """``var/cache/lonecore`` below ``folder``, with the loop of every release in it.

    ``run``: a run's folder, whose strategy is one of the release's own, with a ``lonecore-key`` in
    it. Needs root, for a tree of its own with /proc, /sys and /dev in it; what is mounted is seen
    by this one program only.
    """
    tree = folder / "tree"
    tree.mkdir(parents=True)
    call("tar", "-C", tree, "-xf", image() / "root.tar", "--exclude=./dev/*")
    (tree / RELEASES).mkdir(parents=True)
    shutil.copytree(run, tree / "run" / "trading")
    variables = [f"{name}={value}" for name, value in PROCESSOR.items()]
    for archive in archives:
        call("tar", "-C", tree / RELEASES, "-xf", archive)
        release = archive.name.removeprefix("lonecore-").removesuffix(".tar.gz")
        call(
            *("unshare", "-m", "sh", "-c", _IN_A_ROOT, "sh", tree, "chroot", tree, "env"),
            *(*variables, f"LONECORE_CACHE=/{CACHE}", "CREDENTIALS_DIRECTORY=/run/trading"),
            *(f"/{RELEASES}/{release}/bin/appliance", "run", "/run/trading/run.toml"),
            "--compile",
            timeout_s=COMPILE_S,
        )
    return tree / CACHE
