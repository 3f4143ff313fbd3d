"""Whole sessions (appliance.cold.live.live_session) against a venue that goes wrong.

A strategy trades all the time. Nothing may go out while anything is amiss, every fault must be
recovered from, and in the end no order is forgotten and positions are the venue's. See scenarios.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.scenarios import works

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 280  # nothing compiled yet, on a machine that is busy
NAMES = [name for name, _ in works()]


@pytest.fixture(scope="module")
def results() -> dict[str, str]:
    """All scenarios in one process: what did not hold, by name."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.live.scenarios"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_S,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_session(results: dict[str, str], name: str) -> None:
    assert results[name] == ""
