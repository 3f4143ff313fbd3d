"""A release as one archive (appliance.cold.host.release), made with pip as controllers do."""

import gzip
import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from appliance.cold.host import release

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


def test_what_is_in_it(made: dict[str, Any]) -> None:
    top = made["release"]
    found = members(made["archive"])
    names = {one.name for one in found}
    packages = f"{top}/lib/python{HERE}/site-packages"
    for name in ("numba", "numpy", "aiohttp", "appliance/hot/duty_cycle.py", "sidecar"):
        assert f"{packages}/{name}" in names
    compiled = f"duty_cycle.cpython-{HERE.replace('.', '')}.pyc"
    assert f"{packages}/appliance/hot/__pycache__/{compiled}" in names
    assert f"{top}/share/lonecore/kernel-tuning/low-latency.toml" in names
    assert not [name for name in names if "/tests/" in name or "/pytest/" in name]
    assert found[-1].name == f"{top}/release.json", "where it is, all is"
    assert {(one.uid, one.gid, one.mtime) for one in found} == {(0, 0, release.MADE_AT_S)}
    assert {oct(one.mode) for one in found if not one.issym()} == {"0o755", "0o644"}


def test_it_is_an_environment_where_it_will_lie(made: dict[str, Any]) -> None:
    top, archive = made["release"], made["archive"]
    for name in ("appliance", "sidecar"):
        first = text_of(archive, f"{top}/bin/{name}").splitlines()[0]
        assert first == f"#!/opt/lonecore/releases/{top}/bin/python3 -I"
    (python,) = [one for one in members(archive) if one.name == f"{top}/bin/python3"]
    assert python.linkname == f"/usr/bin/python{HERE}"
    assert "include-system-site-packages = false" in text_of(archive, f"{top}/pyvenv.cfg")
    told = json.loads(text_of(archive, f"{top}/release.json"))
    assert told["release"] == top and told["lock"] == release._sha256(release.LOCK)


def test_nothing_of_the_machine_that_made_it(made: dict[str, Any], tmp_path: Path) -> None:
    data = gzip.decompress(Path(made["archive"]).read_bytes())
    assert str(release.ROOT).encode() not in data
    assert not [one for one in members(made["archive"]) if "direct_url" in one.name]


def test_the_same_checkout_makes_the_same_archive(made: dict[str, Any], tmp_path: Path) -> None:
    again = json.loads(make(tmp_path).stdout)
    assert again["release"] == made["release"] and again["sha256"] == made["sha256"]
    with Path(again["archive"]).open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == made["sha256"]


def test_what_cannot_be_made(tmp_path: Path, monkeypatch) -> None:
    other = "3.12" if HERE != "3.12" else "3.13"
    for python, said in (
        ("2.7", "one of 3.11, 3.12, 3.13"),
        (other, f"make it with python{other}"),
    ):
        done = make(tmp_path, f"--python={python}")
        assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
    spoilt = release.LOCK.read_text().replace("sha256:", "sha256:0", 1)[:-1]
    lock = tmp_path / "lock.txt"
    lock.write_text(spoilt)
    monkeypatch.setattr(release, "LOCK", lock)
    assert release.main(["--out", str(tmp_path / "out")]) == 2
