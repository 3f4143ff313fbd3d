"""A trading process is stopped (SIGSTOP) while it quotes: how long until nothing is open?

Venue, trading process and guardian are processes of their own; they share the cores there are.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from appliance.abi.market import Market
from tests.live.run_file import SYMBOLS, run_name, write_run
from tests.live.venue_process import ROOT, VenueProcess

ROUNDS = 10
WAIT_S = 120.0


def appliance(*arguments):
    command = [sys.executable, "-m", "appliance", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def until(done):
    end_s = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_stopped_process(benchmark, judge, measuring, tmp_path):
    if not measuring:
        pytest.skip("starts three processes")
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # what is started here takes any core
    spans_s = []
    options = ["--market", "spot", "--symbols", ",".join(SYMBOLS)]
    with ExitStack() as stack:
        venue = stack.enter_context(VenueProcess(tmp_path, *options))
        config = write_run(tmp_path, venue.ready, Market.SPOT)
        trading, guard = (
            stack.enter_context(appliance(*words))
            for words in (("run", config, "--json"), ("guard", config))
        )

        def open_n():
            return len(venue.account("spot")["openOrders"])

        try:
            for _ in range(ROUNDS):
                until(lambda: open_n() > 0)
                time.sleep(0.3)
                os.kill(trading.pid, signal.SIGSTOP)
                began_s = time.monotonic()
                until(lambda: open_n() == 0)
                spans_s.append(time.monotonic() - began_s)
                os.kill(trading.pid, signal.SIGCONT)
                name = run_name(venue.ready["port"])
                with appliance("resume", name, "--reason", "next", "--json") as resume:
                    told = resume.communicate(timeout=WAIT_S)[0]
                assert json.loads(told)["after"] == "ACTIVE"
            trading.send_signal(signal.SIGINT)
            trading.communicate(timeout=WAIT_S)
        finally:
            trading.kill()
            guard.kill()
    benchmark.extra_info["seconds"] = spans_s
    benchmark.pedantic(lambda: None)
    judge(f"SIGSTOP to nothing open, s, worst of {ROUNDS}", max(spans_s), at_most=2.0)
