"""Where compiled code is kept: a directory named by everything that went into it.

Numba notices a change only in the file of the function itself, so a constant that was changed in an
imported module would live on in cached machine code. Here the directory's name is a hash of the
whole source of abi, hot and the strategy, of the versions of Python, Numba, llvmlite and NumPy, of
the processor and of the flags: whatever changes, there is nothing stale to find.

Numba finds what it has compiled by the path of its source. The same source in another place, in
another release say, is compiled anew; so that a loop is complete is noted for the place it is in.

Must be called before anything of Numba is imported.
"""

import hashlib
import os
import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from appliance.cold.errors import ApplianceError

PACKAGE: Final = Path(__file__).resolve().parents[1]
KEYS_KEPT: Final = 8  # directories of other keys; the oldest go
_FLAGS: Final = (
    *("NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK", "NUMBA_OPT"),
    *("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"),
)


_CPUINFO: Final = Path("/proc/cpuinfo")

COMPLETE: Final = "complete"
REPLAY: Final = "replay"  # the loop over recorded frames
LIVE: Final = "live"  # the one over sockets
HISTORY: Final = "history"  # the one of a backtest


class Cache(NamedTuple):
    """Where compiled code of one strategy and loop is kept."""

    directory: Path
    warm: bool  # it held all of it when it was asked for
    marker: Path

    def complete(self) -> None:
        """The loop compiled and ran its warm-up: the next start finds everything here."""
        self.marker.touch()


def cache_key(strategy_source: Path) -> str:
    """Hex digest of all that the machine code depends on."""
    digest = hashlib.sha256()
    for part in ("abi", "hot"):
        for path in sorted((PACKAGE / part).rglob("*.py")):
            digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
    digest.update(strategy_source.name.encode() + b"\0" + strategy_source.read_bytes())
    names = ("numba", "llvmlite", "numpy")
    digest.update(" ".join(f"{name}={version(name)}" for name in names).encode())
    digest.update(f"{platform.python_version()} {platform.machine()}".encode())
    digest.update(_processor().encode())
    digest.update(" ".join(os.environ.get(flag, "") for flag in _FLAGS).encode())
    return digest.hexdigest()[:32]


def _processor() -> str:
    """What code is made for: this one, unless Numba was told of another, feature by feature."""
    if os.environ.get("NUMBA_CPU_NAME") and os.environ.get("NUMBA_CPU_FEATURES"):
        return ""  # among the flags
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags", "Features", "CPU part")
    return "".join(line for line in lines[:64] if line.startswith(wanted))


def cache_root() -> Path:
    """$LONECORE_CACHE, systemd's cache directory, or the user's."""
    for name in ("LONECORE_CACHE", "CACHE_DIRECTORY"):
        if os.environ.get(name):
            return Path(os.environ[name])
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lonecore"


def prepare(strategy_source: Path, loop: str = REPLAY) -> Cache:
    """Points Numba at the directory of the key."""
    if "numba" in sys.modules:
        raise RuntimeError("the compile cache must be set up before Numba is imported")
    directory = cache_root() / cache_key(strategy_source)
    place = hashlib.sha256(f"{PACKAGE}\0{strategy_source.resolve()}".encode()).hexdigest()
    marker = directory / f"{COMPLETE}-{loop}-{place[:16]}"
    warm = marker.exists()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        os.utime(directory)  # used now: others are forgotten first
    except OSError as error:
        raise ApplianceError(
            f"cannot keep compiled code in {directory.parent}: {error.strerror};"
            " set LONECORE_CACHE to a folder that can be written"
        ) from None
    os.environ["NUMBA_CACHE_DIR"] = str(directory)
    _forget_old(directory)
    return Cache(directory, warm, marker)


def _forget_old(kept: Path) -> None:
    others = [path for path in kept.parent.iterdir() if path.is_dir() and path != kept]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEYS_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
