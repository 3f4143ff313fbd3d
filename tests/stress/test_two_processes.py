"""Two-process torture of the rings over a file in shared memory: what happened, how often.

LONECORE_STRESS_N sets the number of messages of each run (a soak sets millions). The rings hold
eight records, or 2 KiB of frames, so every run goes round them many thousand times.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.cold.mapping import create
from appliance.hot.broadcast import broadcast_in
from appliance.hot.frame_ring import frame_ring_in
from appliance.hot.jit import JIT_DISABLED
from appliance.hot.ring import ring_in
from tests.stress.torture import (
    BROADCASTS,
    CAPACITY_BYTES,
    FRAMES,
    RECORD,
    REGION_BYTES,
    RING,
    SLOTS,
)

MESSAGES = int(os.environ.get("LONECORE_STRESS_N", 1_000 if JIT_DISABLED else 50_000))
SECONDS_MAX = 200 + MESSAGES // 10_000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def outcomes():
    """Outcome counts of each ring, both sides together."""
    region = create(f"lonecore-stress-{os.getpid()}", REGION_BYTES)
    ring_in(region, RING, SLOTS, RECORD, initialise=True)
    frame_ring_in(region, FRAMES, CAPACITY_BYTES, initialise=True)
    for offset in BROADCASTS.values():
        broadcast_in(region, offset, SLOTS, RECORD, initialise=True)
    sides = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.stress.torture", role, str(region.path), str(MESSAGES)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for role in ("produce", "consume")
    ]
    try:
        produced, consumed = (
            json.loads(side.communicate(timeout=SECONDS_MAX)[0]) for side in sides
        )
    finally:
        for side in sides:
            side.kill()
            side.wait()
        region.unlink()
    return {name: consumed[name] | produced[name] for name in consumed}


def judge(title, counts):
    """Print the outcome table; FORBIDDEN outcomes must not have happened."""
    forbidden = ("misplaced", "torn")
    print(f"\n{title}: {MESSAGES} messages")
    for name, count in counts.items():
        print(f"  {'FORBIDDEN ' if name in forbidden else 'ACCEPTABLE'} {name:12} {count:>12}")
    assert [counts[name] for name in forbidden] == [0, 0]


@pytest.mark.parametrize("name", ["ring", "frames"])
def test_ring(outcomes, name):
    judge(name, outcomes[name])
    assert outcomes[name]["in_order"] == MESSAGES


@pytest.mark.parametrize("name", BROADCASTS)
def test_broadcast(outcomes, name):
    judge(name, outcomes[name])
    assert outcomes[name]["written"] == MESSAGES
    assert outcomes[name]["in_order"] + outcomes[name]["missed"] == MESSAGES
