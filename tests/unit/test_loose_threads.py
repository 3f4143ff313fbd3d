"""Threads that nobody waits for."""

import asyncio
import subprocess
import sys
import threading
import time
from concurrent.futures import wait
from pathlib import Path

import pytest

from appliance.cold.live.loose_threads import LooseThreads

ROOT = Path(__file__).resolve().parents[2]

_STUCK = """
import asyncio, time
from appliance.cold.live.loose_threads import LooseThreads

async def work():
    asyncio.get_running_loop().set_default_executor(LooseThreads())
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)
    await asyncio.sleep(0.1)
    print("done")

asyncio.run(work())
"""


def test_a_process_ends_without_them() -> None:
    """As when a name is being looked up and the resolver is down."""
    started_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _STUCK], cwd=ROOT, capture_output=True, text=True, timeout=50
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    assert time.monotonic() - started_s < 20


def test_results_and_errors_come_back() -> None:
    async def work() -> None:
        asyncio.get_running_loop().set_default_executor(LooseThreads())
        assert await asyncio.to_thread(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(divmod, 7, 0)

    asyncio.run(work())


def test_one_that_is_stuck_does_not_keep_the_others() -> None:
    threads, go = LooseThreads(), threading.Event()
    stuck = [threads.submit(go.wait) for _ in range(100)]
    assert threads.submit(int, "5").result(10) == 5
    go.set()
    assert not wait(stuck, 10).not_done
