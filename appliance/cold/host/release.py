"""A release as one archive: everything that a host needs besides Python itself.

``python3 -m appliance.cold.host.release --out build/release`` makes it on the machine that deploys,
with pip, and prints what it made as JSON. A wheelhouse first: the pinned packages for the hosts'
Python, each held to its hash, and a wheel of this checkout. Out of that an environment as it will
lie on the host, in a folder whose name says what is in it. So a host needs no network, no pip and
no compiler, and all hosts have the same bytes: the same checkout makes the same archive again.
"""

import argparse
import compileall
import csv
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from appliance.cold.errors import EXIT_OK, EXIT_USAGE, ApplianceError

ROOT: Final = Path(__file__).resolve().parents[3]
LOCK: Final = ROOT / "requirements" / "runtime.txt"
PLACE: Final = "/opt/lonecore/releases"
PYTHONS: Final = ("3.11", "3.12", "3.13")
MADE_AT_S: Final = 1_500_000_000  # of every file: time is no part of what is in a release
# Of wheels that run on Debian 12 (glibc 2.36); pip takes each for itself alone.
_PLATFORMS: Final = tuple(f"manylinux_2_{minor}_x86_64" for minor in (36, 34, 31, 28, 27, 24, 17))
_OLDER: Final = ("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64")
_SCRIPT: Final = """#!{python} -I
import sys

from {package}.__main__ import main

sys.exit(main())
"""
_NAME_HEX: Final = 12


def build(out: Path, python: str) -> dict[str, Any]:
    """Make the archive below ``out``, or find it. ApplianceError: pip, or a file, will not."""
    if python not in PYTHONS:
        raise ApplianceError(f"--python {python}: one of {', '.join(PYTHONS)}")
    if sys.version_info[:2] != tuple(map(int, python.split("."))):
        raise ApplianceError(
            f"--python {python}: this is Python {sys.version_info[0]}.{sys.version_info[1]}; a"
            f" release holds compiled modules: make it with python{python}"
        )
    out = out.resolve()
    wheels = out / "wheelhouse"
    wheels.mkdir(parents=True, exist_ok=True)
    _download(wheels, python)
    with tempfile.TemporaryDirectory(dir=out) as name:
        work = Path(name)
        own = _own_wheel(work)
        content = {"lonecore": _sha256(own), "lock": _sha256(LOCK), "python": python}
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        release = f"{_version()}-{digest[:_NAME_HEX]}"
        archive = out / f"lonecore-{release}.tar.gz"
        if not archive.exists():
            tree = work / "tree"
            _install(work, wheels, own, python, tree)
            _complete(tree, release, python, content)
            _pack(tree, work / "made.tar.gz", release)
            (work / "made.tar.gz").rename(archive)
    return {"release": release, "python": python, "archive": str(archive), **_of(archive)}


def _of(archive: Path) -> dict[str, str]:
    return {"sha256": _sha256(archive), "place": PLACE}


def _pip(*words: object, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, words)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["no word"]
        raise ApplianceError(f"pip {words[0]}: {said[-1].strip()}")


def _target(python: str) -> tuple[str, ...]:
    platforms = [f"--platform={name}" for name in _PLATFORMS + _OLDER]
    return ("--only-binary=:all:", f"--python-version={python}", *platforms)


def _download(wheels: Path, python: str) -> None:
    """pip holds each file to the lock's hashes, also one that is there already."""
    _pip("download", "--quiet", "--require-hashes", *_target(python), "-r", LOCK, "-d", wheels)


def _own_wheel(work: Path) -> Path:
    """Of a copy of what goes into it: setuptools leaves a build folder where it builds."""
    source = work / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("appliance", "sidecar", "kernel-tuning"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    _pip(
        *("wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", work, source),
        SOURCE_DATE_EPOCH=str(MADE_AT_S),
    )
    (wheel,) = work.glob("lonecore-*.whl")
    return wheel


def _version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def _install(work: Path, wheels: Path, own: Path, python: str, tree: Path) -> None:
    """The environment's packages, from the wheelhouse alone, held to the hashes once more."""
    requirements = work / "requirements.txt"
    line = f"{own} --hash=sha256:{_sha256(own)}\n"
    requirements.write_text(LOCK.read_text() + line)
    packages = tree / "lib" / f"python{python}" / "site-packages"
    _pip(
        *("install", "--quiet", "--no-index", f"--find-links={wheels}", "--require-hashes"),
        *("--no-deps", "--no-compile", *_target(python), f"--target={packages}"),
        *("-r", requirements),
    )
    shutil.rmtree(packages / "bin", ignore_errors=True)  # scripts of ours instead
    (packages / "share").rename(tree / "share")  # where an environment has it
    for tests in [*packages.rglob("tests")]:  # other people's, of no use to a host
        shutil.rmtree(tests, ignore_errors=True)
    _forget_where_from(packages)


def _forget_where_from(packages: Path) -> None:
    """What pip writes down of this machine: the wheel's path, and the scripts that are gone."""
    for path in packages.glob("lonecore-*.dist-info/direct_url.json"):
        path.unlink()
    for record in packages.glob("*.dist-info/RECORD"):
        rows = list(csv.reader(record.read_text().splitlines()))
        kept = [row for row in rows if (packages / row[0]).is_file()]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(kept)
        record.write_text(text.getvalue())


def _complete(tree: Path, release: str, python: str, content: dict[str, str]) -> None:
    """What makes a folder of packages an environment: Python's own rule is pyvenv.cfg."""
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
    packages = tree / "lib" / f"python{python}" / "site-packages"
    for path in packages.rglob("*"):
        os.utime(path, (MADE_AT_S, MADE_AT_S), follow_symlinks=False)
    compileall.compile_dir(
        packages,
        quiet=2,
        workers=0,
        stripdir=str(tree),
        prependdir=f"{PLACE}/{release}",
    )
    told = {"release": release, **content}
    (tree / "release.json").write_text(json.dumps(told, indent=2) + "\n")


def _pack(tree: Path, archive: Path, release: str) -> None:
    """release.json comes last: where it is, all is."""
    paths = sorted(tree.rglob("*"), key=lambda path: (path.name == "release.json", str(path)))
    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, MADE_AT_S) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in [tree, *paths]:
            name = str(Path(release) / path.relative_to(tree))
            tar.add(path, name, recursive=False, filter=_anybodys)


def _anybodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = MADE_AT_S
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 -m appliance.cold.host.release",
        description="Makes the archive of this checkout for hosts; needs pip and setuptools.",
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
