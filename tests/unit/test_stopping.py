"""Signals while a run starts and while it trades."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.cold.live.stopping import Stopping

ROOT = Path(__file__).resolve().parents[2]
EACH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])

# A compiler that cannot be interrupted, a wait for the venue, a long step of our own.
_STARTING = {
    "compiling": "await asyncio.to_thread(time.sleep, 60)",
    "asking": "await asyncio.sleep(60)",
    "warming up": "time.sleep(60)",
}
_START = """
import asyncio, sys, time
from appliance.cold import command_line, run_command
from appliance.cold.live.loose_threads import LooseThreads
from appliance.cold.live.stopping import Stopping

async def start():
    asyncio.get_running_loop().set_default_executor(LooseThreads())
    with Stopping():
        try:
            print("ready", flush=True)
            {step}
        finally:
            print("closed", flush=True)

run_command.run = lambda _: asyncio.run(start())
sys.exit(command_line.main(["run", "x.toml"]))
"""


@pytest.fixture(autouse=True)
def without_nohup() -> Iterator[None]:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@EACH
@pytest.mark.parametrize("step", _STARTING)
def test_at_once_while_it_starts(step: str, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _START.format(step=_STARTING[step])],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: [signal.signal(n, signal.SIG_DFL) for n in (1, 2, 15)],
    )
    with process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            time.sleep(0.1)
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, out) == (128 + number, "closed\n")
    assert err == "\nappliance run: stopped\n"


@EACH
def test_in_good_order_while_it_trades(number: signal.Signals) -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    async def trade() -> list[int]:
        heard: list[int] = []
        with Stopping() as stopping:
            stopping.hear(heard.append)
            for _ in range(2):
                os.kill(os.getpid(), number)
                await asyncio.sleep(0.05)
        return heard

    with asyncio.Runner() as runner:  # ``asyncio.run`` has a handler of its own for the time
        runner.get_loop().run_until_complete(asyncio.sleep(0))
        assert runner.get_loop().run_until_complete(trade()) == [number] * 2
    assert [signal.getsignal(n) for n in (2, 15, 1)] == before


def test_nohup_is_respected() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def trade() -> list[int]:
        heard: list[int] = []
        with Stopping() as stopping:
            os.kill(os.getpid(), signal.SIGHUP)
            stopping.hear(heard.append)
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.05)
        return heard

    assert asyncio.run(trade()) == []
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_a_thread_has_no_signals() -> None:
    failed: list[BaseException] = []

    async def trade() -> None:
        with Stopping() as stopping:
            stopping.hear(lambda _: None)

    def work() -> None:
        try:
            asyncio.run(trade())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert not thread.is_alive() and failed == []
