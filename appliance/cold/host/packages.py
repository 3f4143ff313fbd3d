"""What a release needs of others, as an archive of its own: the pinned packages, for one Python.

It changes only when ``requirements/runtime.txt`` does. So an upgrade carries the appliance's own
code, and releases on a host share what they have in common. pip holds each wheel to the hashes.
"""

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from appliance.cold.errors import ApplianceError
from appliance.cold.host import layer

ROOT: Final = Path(__file__).resolve().parents[3]
LOCK: Final = ROOT / "requirements" / "runtime.txt"
PLACE: Final = "/opt/lonecore/packages"
COMPLETE: Final = "packages.json"
# Of wheels that run on Debian 12 (glibc 2.36); pip takes each for itself alone.
_PLATFORMS: Final = tuple(f"manylinux_2_{minor}_x86_64" for minor in (36, 34, 31, 28, 27, 24, 17))
_OLDER: Final = ("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64")
NAME_HEX: Final = 12


def name(python: str) -> str:
    """Of what the lock asks for: ``PYTHON-HASH``."""
    content = {"lock": layer.sha256(LOCK), "python": python}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{python}-{digest[:NAME_HEX]}"


def build(out: Path, python: str) -> Path:
    """Make the archive below ``out``, or find it. ApplianceError: pip will not."""
    named = name(python)
    archive = out / f"lonecore-packages-{named}.tar.gz"
    if archive.exists():
        return archive
    wheels = out / "wheelhouse"
    wheels.mkdir(exist_ok=True)
    target = _target(python)
    pip("download", "--quiet", "--require-hashes", *target, "-r", LOCK, "-d", wheels)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        tree, made = Path(folder) / "tree", Path(folder) / "made.tar.gz"
        pip(
            *("install", "--quiet", "--no-index", f"--find-links={wheels}", "--require-hashes"),
            *("--no-deps", "--no-compile", *target, f"--target={tree}", "-r", LOCK),
        )
        for unused in (
            tree / "bin",
            *tree.rglob("tests"),
        ):  # of no use to a host
            shutil.rmtree(unused, ignore_errors=True)
        forget_where_from(tree)
        layer.compile_modules(tree, f"{PLACE}/{named}")
        (tree / COMPLETE).write_text(json.dumps({"packages": named}) + "\n")
        layer.pack(tree, made, named, COMPLETE)
        made.rename(archive)
    return archive


def pip(*words: object, **environment: str) -> None:
    """pip of this Python. ApplianceError, with its own error, or the last that it says."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, words)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["no word"]
        error = next((line for line in said if line.startswith("ERROR: ")), said[-1])
        raise ApplianceError(f"pip {words[0]}: {error.removeprefix('ERROR: ').strip()}")


def _target(python: str) -> tuple[str, ...]:
    platforms = [f"--platform={tag}" for tag in _PLATFORMS + _OLDER]
    return ("--only-binary=:all:", f"--python-version={python}", *platforms)


def forget_where_from(packages: Path) -> None:
    """What pip writes down of this machine: a wheel's path, and files that are gone since."""
    for path in packages.glob("*.dist-info/direct_url.json"):
        path.unlink()
    for record in packages.glob("*.dist-info/RECORD"):
        rows = list(csv.reader(record.read_text().splitlines()))
        kept = [row for row in rows if (packages / row[0]).is_file()]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(kept)
        record.write_text(text.getvalue())
