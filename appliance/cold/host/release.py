"""A release as two archives: everything that a host needs besides Python itself.

``python3 -m appliance.cold.host.release --out build/release`` makes them on the machine that
deploys, with pip, and prints what it made as JSON. One has the packages of others (packages.py),
the other this checkout as an environment over them, as it will lie on the host, in a folder whose
name says what is in it. So a host needs no network, no pip and no compiler, and all hosts have the
same bytes: the same checkout makes the same archives again.
"""

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from appliance.cold.errors import EXIT_OK, EXIT_USAGE, ApplianceError
from appliance.cold.host import layer, packages
from appliance.cold.host.packages import ROOT

PLACE: Final = "/opt/lonecore/releases"
PYTHONS: Final = ("3.11", "3.12", "3.13")
COMPLETE: Final = "release.json"
_SCRIPT: Final = """#!{python} -I
import sys

from {package}.__main__ import main

sys.exit(main())
"""


def build(out: Path, python: str) -> dict[str, Any]:
    """Make the archives below ``out``, or find them. ApplianceError: pip, or a file, will not."""
    if python not in PYTHONS:
        raise ApplianceError(f"--python {python}: one of {', '.join(PYTHONS)}")
    if sys.version_info[:2] != tuple(map(int, python.split("."))):
        raise ApplianceError(
            f"--python {python}: this is Python {sys.version_info[0]}.{sys.version_info[1]}; a"
            f" release holds compiled modules: make it with python{python}"
        )
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    others = packages.build(out, python)
    with tempfile.TemporaryDirectory(dir=out) as name:
        work = Path(name)
        own = _own_wheel(work)
        below = packages.name(python)
        content = {"lonecore": layer.sha256(own), "packages": below, "python": python}
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        release = f"{_version()}-{digest[: packages.NAME_HEX]}"
        archive = out / f"lonecore-{release}.tar.gz"
        if not archive.exists():
            tree, made = work / "tree", work / "made.tar.gz"
            _install(own, content, tree)
            _complete(tree, release, content)
            layer.pack(tree, made, release, COMPLETE)
            made.rename(archive)
    return {
        "release": release,
        "python": python,
        "packages": below,
        "archives": [_of(others, packages.PLACE), _of(archive, PLACE)],
    }


def _of(archive: Path, place: str) -> dict[str, str]:
    return {"archive": str(archive), "sha256": layer.sha256(archive), "place": place}


def _own_wheel(work: Path) -> Path:
    """Of a copy of what goes into it: setuptools leaves a build folder where it builds."""
    source = work / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("appliance", "sidecar", "kernel-tuning"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    packages.pip(
        *("wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", work, source),
        SOURCE_DATE_EPOCH=str(layer.MADE_AT_S),
    )
    (wheel,) = work.glob("lonecore-*.whl")
    return wheel


def _version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def _site(tree: Path, python: str) -> Path:
    return tree / "lib" / f"python{python}" / "site-packages"


def _install(own: Path, content: dict[str, str], tree: Path) -> None:
    """The checkout's own packages; the others are found by a line that Python reads at its start
    (``site``: path configuration files)."""
    site = _site(tree, content["python"])
    packages.pip(
        *("install", "--quiet", "--no-index", "--no-deps", "--no-compile", f"--target={site}", own)
    )
    shutil.rmtree(site / "bin", ignore_errors=True)  # scripts of ours instead
    (site / "share").rename(tree / "share")  # where an environment has it
    packages.forget_where_from(site)
    (site / "packages.pth").write_text(f"{packages.PLACE}/{content['packages']}\n")


def _complete(tree: Path, release: str, content: dict[str, str]) -> None:
    """What makes a folder of packages an environment: Python's own rule is pyvenv.cfg."""
    python = content["python"]
    (tree / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {python}\n"
    )
    binaries = tree / "bin"
    binaries.mkdir()
    (binaries / "python3").symlink_to(f"/usr/bin/python{python}")
    for package in ("appliance", "sidecar"):
        script = binaries / package
        interpreter = f"{PLACE}/{release}/bin/python3"
        script.write_text(_SCRIPT.format(python=interpreter, package=package))
        script.chmod(0o755)
    site = _site(tree, python)
    layer.compile_modules(site, f"{PLACE}/{release}/{site.relative_to(tree)}")
    told = {"release": release, **content}
    (tree / COMPLETE).write_text(json.dumps(told, indent=2) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 -m appliance.cold.host.release",
        description="Makes the archives of this checkout for hosts; needs pip and setuptools.",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER")
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    parser.add_argument("--python", default=here, metavar="X.Y", help=f"of the hosts ({here})")
    args = parser.parse_args(arguments)
    try:
        print(json.dumps(build(args.out, args.python)))
    except (ApplianceError, OSError) as error:
        print(f"release: {error}", file=sys.stderr)
        return EXIT_USAGE
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
