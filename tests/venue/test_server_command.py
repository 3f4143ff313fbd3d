"""``appliance venue`` (appliance.cold.venue_command) as its users start it.

A process of its own, ended by a signal.
"""

import json
import os
import selectors
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from tests.venue.running_venue import START_S, WAIT_S
from tests.venue.tale import Tale

ROOT = Path(__file__).resolve().parents[2]


def started(folder: Path, *options: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "appliance", "venue", *map(str, options)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def first_line(process: "subprocess.Popen[str]") -> str:
    """What it says first; fails with its errors if it says nothing in time."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        until_s = time.monotonic() + START_S
        while not selector.select(0.2):
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < until_s, "it did not start"
    return process.stdout.readline()


def ended(process: "subprocess.Popen[str]", number: int | None = None) -> tuple[int, str, str]:
    """Exit code and what it said since its first line."""
    if number is not None:
        process.send_signal(number)
    try:
        process.wait(START_S)  # it says far less than a pipe holds
    finally:
        if process.poll() is None:
            process.kill()
    assert process.stdout is not None and process.stderr is not None
    # not communicate(): after readline() it would miss what is in the reader's buffer
    with process.stdout, process.stderr:
        return process.returncode, process.stdout.read(), process.stderr.read()


def fetched(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=WAIT_S) as reply:
        return json.load(reply)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(tmp_path: Path, number: int) -> None:
    process = started(tmp_path, "--json", "--symbols", "SOLUSDT", "--market", "spot")
    ready = json.loads(first_line(process))
    assert set(ready) == {"host", "port", "spot", "admin"}
    assert set(ready["spot"]) == {"rest", "streams", "ws_api", "symbols", "keys"}
    assert ready["spot"]["symbols"] == ["SOLUSDT"]
    assert fetched(f"{ready['spot']['rest']}/api/v3/ping") == {}
    for file in ready["spot"]["keys"].values():
        path = tmp_path / file
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with socket.create_connection((ready["host"], ready["port"]), WAIT_S):
        assert ended(process, number) == (0, "", "")


def test_people_get_words(tmp_path: Path) -> None:
    process = started(tmp_path, "--fault", "drop=0.5", "--keys-dir", "mine")
    assert first_line(process).startswith("spot: REST http://127.0.0.1:")
    code, out, err = ended(process, signal.SIGINT)
    assert (code, err) == (0, "")
    assert "usdm: REST" in out and "Ctrl-C stops the venue" in out
    secret = json.loads((tmp_path / "mine" / "spot-hmac.json").read_text())["secretKey"]
    assert secret not in out


def test_faults_and_times_from_the_start(tmp_path: Path) -> None:
    process = started(tmp_path, "--json", "--fault", "drop=0.5", "--fault", "clock_ms=-5")
    ready = json.loads(first_line(process))
    faults = fetched(f"{ready['admin']}/faults")
    assert (faults["drop"], faults["clock_ms"]) == (0.5, -5)
    assert ended(process, signal.SIGTERM)[0] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--port", "70000"], "--port 70000: a port is 0 to 65535"),
        (["--rate", "0"], "--rate: at least 1"),
        (["--limits-factor", "0"], "--limits-factor: at least 1"),
        (["--life-s", "0"], "--life-s"),
        (["--life-s", "nan"], "--life-s"),
        (["--fault", "drop=2"], "fault drop: '2' is no probability"),
        (["--fault", "drop"], "say NAME=VALUE"),
        (["--fault", "shake=1"], "no fault is called 'shake'"),
        (["--fault", "drop=nan"], "fault drop"),
        (["--symbols", "btcusdt"], "'btcusdt' is no symbol"),
        (["--symbols", ","], "--symbols"),
        (["--host", "no.such.host.invalid"], "cannot listen on no.such.host.invalid"),
        (["--speed", "2"], "are for a --recording"),
        (["--recording", "none.gz"], "none.gz"),
        (["--recording", "x", "--market", "spot"], "--market"),
        (["--recording", "x", "--speed", "0"], "--speed 0"),
        (["--keys-dir", "/proc/none/keys"], "cannot write /proc/none/keys"),
        (["--tls-dir", "/proc/none/tls"], "cannot write /proc/none/tls"),
    ],
)
def test_a_wrong_request(tmp_path: Path, options: list[str], words: str) -> None:
    code, out, err = ended(started(tmp_path, *options))
    assert (code, out) == (2, ""), err
    (line,) = err.splitlines()
    assert line.startswith("appliance venue: ") and words in line


@pytest.mark.parametrize("options", [["--nonsense"], ["--market", "moon"], ["--port", "x"]])
def test_no_such_option(tmp_path: Path, options: list[str]) -> None:
    code, out, err = ended(started(tmp_path, *options))
    assert (code, out) == (2, "")
    assert "Traceback" not in err and options[0] in err


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = ended(started(tmp_path, "--port", port))
    assert (code, out) == (2, "")
    assert not list(tmp_path.iterdir()), "keys of the venue that has the port are left alone"
    assert err == f"appliance venue: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_help_has_examples(tmp_path: Path) -> None:
    code, out, err = ended(started(tmp_path, "--help"))
    assert (code, err) == (0, "")
    assert "examples:" in out and "appliance venue --recording" in out
    assert "exit codes:" in out


def test_a_recording_from_its_start_to_its_end(tmp_path: Path) -> None:
    tale = Tale(Market.USDM).begin({100: 5}, {101: 4}).change(1500, {99: 7})
    path = tale.write(tmp_path / "day.gz")
    process = started(tmp_path, "--recording", path, "--json", "--speed", "0.5")
    ready = json.loads(first_line(process))
    assert set(ready) == {"host", "port", "usdm", "admin"}
    depth = fetched(f"{ready['usdm']['rest']}/fapi/v1/depth?symbol=BTCUSDT")
    assert depth["bids"] == [["100.00", "0.005"], ["1.00", "0.001"]]
    assert depth["asks"] == [["101.00", "0.004"]]
    assert ended(process) == (0, "", "appliance venue: the recording has ended\n")


def test_gaps_of_a_recording_are_told(tmp_path: Path) -> None:
    tale = Tale(Market.SPOT).begin({100: 5}, {101: 4}).change(5, lost=3).change(9)
    process = started(tmp_path, "--recording", tale.write(tmp_path / "day.gz"), "--json")
    json.loads(first_line(process))
    code, _, err = ended(process)
    assert code == 0
    assert err.startswith("appliance venue: BTCUSDT: depth is missing in 1 places")


def test_a_recording_over_and_over(tmp_path: Path) -> None:
    path = Tale(Market.SPOT).begin({100: 5}, {101: 4}).change(5).write(tmp_path / "day.gz")
    process = started(tmp_path, "--recording", path, "--repeat", "--speed", "100", "--json")
    ready = json.loads(first_line(process))
    state = f"{ready['admin']}/state"
    before = fetched(state)["spot"]["books"]["BTCUSDT"]
    assert before["bids"][0][0] == "100.00000000"
    assert ended(process, signal.SIGINT) == (0, "", "")
