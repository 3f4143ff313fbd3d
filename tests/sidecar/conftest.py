"""What several tests of the sidecar begin with."""

from pathlib import Path

import pytest

from sidecar.recorder import run_recorder
from tests.sidecar.influxd import available


@pytest.fixture(scope="session")
def influxd_binary() -> Path:
    """Debian's influxd; else skip. Under CI it is fetched."""
    binary = available()
    if binary is None:
        pytest.skip("no influxd: python -m tests.sidecar.influxd fetches Debian's")
    return binary


@pytest.fixture
def shm(tmp_path: Path) -> Path:
    """Where runs have their regions."""
    folder = tmp_path / "shm"
    folder.mkdir()
    return folder


@pytest.fixture
def each_step_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a recorder."""
    monkeypatch.setattr(run_recorder, "COMMIT_NS", 0)
