"""A release as two archives (appliance.cold.host.release), made with pip as controllers do."""

import gzip
import hashlib
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from appliance.cold.host import layer, packages, release

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def make(out: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "appliance.cold.host.release", "--out", out, *more],
        cwd=release.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = make(tmp_path_factory.mktemp("release"))
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def members(archive: str) -> list[tarfile.TarInfo]:
    with tarfile.open(archive) as tar:
        return tar.getmembers()


def text_of(archive: str, name: str) -> str:
    with tarfile.open(archive) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read().decode()


def archives(made: dict[str, Any]) -> tuple[str, str]:
    """Of the packages, and of the release."""
    packages, own = made["archives"]
    assert packages["place"] == "/opt/lonecore/packages"
    assert own["place"] == "/opt/lonecore/releases"
    return packages["archive"], own["archive"]


def test_what_is_in_it(made: dict[str, Any]) -> None:
    top = made["release"]
    found = members(archives(made)[1])
    names = {one.name for one in found}
    site = f"{top}/lib/python{HERE}/site-packages"
    for name in ("appliance/hot/duty_cycle.py", "sidecar"):
        assert f"{site}/{name}" in names
    compiled = f"duty_cycle.cpython-{HERE.replace('.', '')}.pyc"
    assert f"{site}/appliance/hot/__pycache__/{compiled}" in names
    assert f"{top}/share/lonecore/kernel-tuning/low-latency.toml" in names
    assert found[-1].name == f"{top}/release.json", "where it is, all is"
    assert not [name for name in names if f"{site}/numpy" in name], "an upgrade carries its own"


def test_what_it_stands_on(made: dict[str, Any]) -> None:
    packages = made["packages"]
    archive, own = archives(made)
    found = members(archive)
    names = {one.name for one in found}
    for name in ("numba", "numpy", "aiohttp", "numpy/__pycache__"):
        assert f"{packages}/{name}" in names
    assert not [name for name in names if "/tests/" in name or "/pytest/" in name]
    assert found[-1].name == f"{packages}/packages.json", "where it is, all is"
    line = text_of(own, f"{made['release']}/lib/python{HERE}/site-packages/packages.pth")
    assert line == f"/opt/lonecore/packages/{packages}\n"
    told = json.loads(text_of(own, f"{made['release']}/release.json"))
    assert told["packages"] == packages


def test_whose_files_they_are(made: dict[str, Any]) -> None:
    for archive in archives(made):
        found = members(archive)
        assert {(one.uid, one.gid, one.mtime) for one in found} == {(0, 0, layer.MADE_AT_S)}
        assert {oct(one.mode) for one in found if not one.issym()} == {"0o755", "0o644"}


def test_it_is_an_environment_where_it_will_lie(made: dict[str, Any]) -> None:
    top, archive = made["release"], archives(made)[1]
    for name in ("appliance", "sidecar"):
        first = text_of(archive, f"{top}/bin/{name}").splitlines()[0]
        assert first == f"#!/opt/lonecore/releases/{top}/bin/python3 -I"
    (python,) = [one for one in members(archive) if one.name == f"{top}/bin/python3"]
    assert python.linkname == f"/usr/bin/python{HERE}"
    assert "include-system-site-packages = false" in text_of(archive, f"{top}/pyvenv.cfg")
    told = json.loads(text_of(archive, f"{top}/release.json"))
    assert told["release"] == top and told["packages"] == packages.name(HERE)


def test_it_works_where_it_does_not_lie_yet(made: dict[str, Any], tmp_path: Path) -> None:
    """The layers one over the other, as a host has them; only the place is another."""
    packages, own = archives(made)
    for archive in (packages, own):
        with tarfile.open(archive) as tar:
            tar.extractall(tmp_path, filter="fully_trusted")
    top = tmp_path / made["release"]
    line = top / f"lib/python{HERE}/site-packages/packages.pth"
    line.write_text(f"{tmp_path / made['packages']}\n")
    here = Path(sys.base_prefix, "bin", f"python{HERE}")
    python = top / "bin/python3"
    python.unlink()
    python.symlink_to(here)
    environment = top / "pyvenv.cfg"
    environment.write_text(environment.read_text().replace("/usr/bin", str(here.parent)))
    asked = (
        "import sys, numba, appliance, importlib.metadata as m;"
        "print(sys.prefix, numba.__file__, appliance.__file__, m.version('numba'))"
    )
    done = subprocess.run([python, "-I", "-c", asked], capture_output=True, text=True, check=True)
    prefix, of_numba, of_appliance, _ = done.stdout.split()
    assert prefix == str(top) and of_appliance.startswith(str(top))
    assert of_numba.startswith(str(tmp_path / made["packages"]))


def test_the_layer_below_changes_with_the_lock_alone(tmp_path: Path, monkeypatch) -> None:
    before = packages.name(HERE)
    lock = tmp_path / "lock.txt"
    lock.write_bytes(packages.LOCK.read_bytes() + b"\n")
    monkeypatch.setattr(packages, "LOCK", lock)
    assert packages.name(HERE) != before


def test_nothing_of_the_machine_that_made_it(made: dict[str, Any], tmp_path: Path) -> None:
    for archive in archives(made):
        data = gzip.decompress(Path(archive).read_bytes())
        assert str(release.ROOT).encode() not in data
        assert not [one for one in members(archive) if "direct_url" in one.name]


def test_the_same_checkout_makes_the_same_archive(made: dict[str, Any], tmp_path: Path) -> None:
    again = json.loads(make(tmp_path).stdout)
    assert again["release"] == made["release"]
    for one, before in zip(again["archives"], made["archives"], strict=True):
        with Path(one["archive"]).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        assert digest == one["sha256"] == before["sha256"]


def test_what_cannot_be_made(tmp_path: Path, monkeypatch, capsys) -> None:
    other = "3.12" if HERE != "3.12" else "3.13"
    for python, said in (
        ("2.7", "one of 3.11, 3.12, 3.13"),
        (other, f"make it with python{other}"),
    ):
        done = make(tmp_path, f"--python={python}")
        assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
    lock = tmp_path / "lock.txt"
    lock.write_text(re.sub("sha256:[0-9a-f]{4}", "sha256:0000", packages.LOCK.read_text()))
    monkeypatch.setattr(packages, "LOCK", lock)
    assert release.main(["--out", str(tmp_path / "out")]) == 2
    assert "HASHES" in capsys.readouterr().err
