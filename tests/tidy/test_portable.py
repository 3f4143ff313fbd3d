"""Nothing in the project knows the machine it was written on, or where its packages came from."""

import re
import tomllib

import pytest

from tests.tidy.source import ROOT, project_files, python_sources

LOCKS = ("requirements/lock.txt", "requirements/grafana.txt")
# Spelt so that this file does not contain what it looks for.
HOSTS = re.compile("|".join(("py" + r"pi\.org", "pyth" + r"onhosted\.org", "file" + "://")))
MACHINE = re.compile(r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/\w+)/")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; [^\\]+)?(?: \\)?$")


def text_of(path: str) -> str:
    data = (ROOT / path).read_bytes()
    return "" if b"\0" in data[:1024] or data[:2] == b"\x1f\x8b" else data.decode()


@pytest.mark.parametrize("path", project_files())
def test_no_paths_of_a_machine_and_no_package_hosts(path: str) -> None:
    for number, line in enumerate(text_of(path).splitlines(), 1):
        assert not MACHINE.search(line), f"{path}:{number}: a path of one machine: {line.strip()}"
        assert not HOSTS.search(line), f"{path}:{number}: a package host: {line.strip()}"


@pytest.mark.parametrize("path", LOCKS)
def test_locks_pin_everything_by_hash_and_name_no_index(path: str) -> None:
    lines = [x for x in text_of(path).splitlines() if x and not x.lstrip().startswith("#")]
    pins = [x for x in lines if not x.startswith(" ")]
    assert pins and all(PINNED.match(x) for x in pins), [x for x in pins if not PINNED.match(x)]
    hashes = [x for x in lines if x.startswith(" ")]
    assert all(re.match(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?$", x) for x in hashes)
    assert len(hashes) >= len(pins)


def versions(path: str) -> dict[str, str]:
    found = (PINNED.match(x) for x in text_of(path).splitlines())
    return {m[1]: m[2] for m in found if m}


def test_locks_agree_and_cover_the_project() -> None:
    lock, grafana = (versions(path) for path in LOCKS)
    both = lock.keys() & grafana.keys()
    assert {p: lock[p] for p in both} == {p: grafana[p] for p in both}

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    name = re.compile(r"^[\w-]+")
    needed = {name.match(r)[0] for r in project["dependencies"]}  # type: ignore[index]
    assert needed <= lock.keys() & grafana.keys()
    assert {name.match(r)[0] for r in extras["dev"]} <= lock.keys()  # type: ignore[index]
    assert {name.match(r)[0] for r in extras["grafana"]} <= grafana.keys()  # type: ignore[index]


def test_grafana_client_stays_apart() -> None:
    """It replaces the urllib3 below influxdb-client, so only the extra may bring it."""
    assert not {"grafana-client", "niquests", "urllib3-future"} & versions(LOCKS[0]).keys()


@pytest.mark.parametrize("source", python_sources(), ids=lambda s: s.path)
def test_no_relative_imports(source) -> None:  # type: ignore[no-untyped-def]
    source.imports()
