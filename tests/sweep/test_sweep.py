"""``appliance sweep`` as its users have it: the same from one process, two, and a cluster; ended
and taken up again (appliance.cold.sweep_command, appliance.cold.sweep.search,
appliance.cold.sweep.workers, appliance.cold.sweep.task)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.cold import recording
from appliance.cold.synthetic import generate
from tests.e2e.conftest import ROOT

QUOTER = ROOT / "tests" / "backtest" / "quoter.py"
ASSUMED = ("--strategy", str(QUOTER), "--sample", "0.5", "--latency", "1,1")
VARIED = ("--vary", "half_ticks=3:9:3", "--vary", "quote_lots=5,10")
WAIT_S = 300


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "appliance", *map(str, words)]


def appliance(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(*words), cwd=ROOT, capture_output=True, text=True, check=False, timeout=WAIT_S
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three days, the second of them in two files."""
    folder = tmp_path_factory.mktemp("days")
    paths = []
    for seed, name in ((1, "20260101_000"), (2, "20260102_000"), (3, "20260103_000")):
        paths.append(folder / f"btcusdt_{name}.gz")
        lines = list(generate(seed, 12.0, symbols=("BTCUSDT",), market=Market.USDM))
        if seed == 2:
            paths.append(folder / "btcusdt_20260102_001.gz")
            recording.write(paths[-1], lines[len(lines) // 2 :])
            lines = lines[: len(lines) // 2]
        recording.write(folder / f"btcusdt_{name}.gz", lines)
    return paths


@pytest.fixture(scope="module")
def plain(days: list[Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """What one worker says, as text."""
    results = tmp_path_factory.mktemp("plain") / "results.jsonl"
    return sweep(days, results, "--workers", 1)


def sweep(days: list[Path], results: Path, *more: object) -> str:
    words = (*days, *ASSUMED, *VARIED, "--walk-forward", "2:1", "--results", results)
    return appliance("sweep", *words, "--json", *more).stdout


def test_each_run_is_the_backtest_of_its_day(days: list[Path], plain: str) -> None:
    told = json.loads(plain)
    assert told["periods"] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert told["trials"] == len(told["runs"]) == 6
    row = next(r for r in told["runs"] if r["params"] == {"half_ticks": 3, "quote_lots": 10})
    params = ("--params", "half_ticks=3,quote_lots=10", "--json")
    parts = [
        json.loads(appliance("backtest", *files, *ASSUMED, *params).stdout)
        for files in (days[:1], days[1:3], days[3:])
    ]
    assert row["profit"] == pytest.approx(sum(part["profit"] for part in parts), abs=1e-9)
    assert row["fills"] == sum(part["fills"] for part in parts) > 0
    for made, part in zip(row["by_period"], parts, strict=True):
        wanted = part["sharpe_ratio"]
        assert made == (None if wanted is None else pytest.approx(wanted, rel=1e-9))
    values = [run["sharpe_ratio"] for run in told["runs"]]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=True) and told["best"] == told["runs"][0]
    (step,) = told["walk_forward"]["steps"]
    assert step["test"] == ["2026-01-03"] and step["train"] == ["2026-01-01", "2026-01-02"]


def test_two_workers_say_the_same(days: list[Path], plain: str, tmp_path: Path) -> None:
    assert sweep(days, tmp_path / "r.jsonl", "--workers", 2) == plain


@pytest.fixture
def cluster() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.sweep.cluster"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(60)


def test_a_cluster_says_the_same(
    days: list[Path], plain: str, tmp_path: Path, cluster: str
) -> None:
    assert sweep(days, tmp_path / "r.jsonl", "--dask", cluster) == plain
    wrong = ("--params", "nonsense=1", "--dask", cluster, "--results", tmp_path / "w.jsonl")
    done = appliance("sweep", days[0], *ASSUMED, *VARIED, *wrong, code=2)
    assert "no parameter 'nonsense'" in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_what_is_done_is_kept(days: list[Path], plain: str, tmp_path: Path) -> None:
    """Half of the results, and half a line: the rest is made, and it says the same."""
    results = tmp_path / "r.jsonl"
    assert sweep(days, results, "--workers", 1) == plain
    lines = results.read_text().splitlines(keepends=True)
    assert len(lines) == 18
    results.write_text("".join(lines[:7]) + lines[7][:50])
    assert sweep(days, results, "--workers", 1) == plain
    again = [line for line in results.read_text().splitlines() if line]
    assert len(again) == 19, "seven, a half, eleven"
    before = results.read_text()
    assert sweep(days, results) == plain and results.read_text().strip() == before.strip()


def test_ctrl_c_keeps_what_is_done(days: list[Path], plain: str, tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    words = (*days, *ASSUMED, *VARIED, "--walk-forward", "2:1", "--results", results)
    with subprocess.Popen(
        command("sweep", *words, "--workers", 2),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        end = time.monotonic() + WAIT_S
        while not results.exists() or not results.read_text().strip():
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, err = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("it was done before the signal came")
    assert process.returncode == 130 and "Traceback" not in err, err
    assert f"of 18 are kept in {results}" in err
    assert sweep(days, results) == plain


def test_bad_requests(days: list[Path], tmp_path: Path) -> None:
    results = ("--results", tmp_path / "r.jsonl")
    common: tuple[Any, ...] = (days[0], *ASSUMED, *results)
    vary = ("--vary", "half_ticks=1,2")
    for words, said in (
        ((*common, *vary, "--walk-forward", "1:1"), "there are only 1 periods"),
        ((*common, *vary, "--walk-forward", "x"), "two counts of periods"),
        ((*common, *vary, "--workers", "0"), "--workers 0"),
        ((*common, *vary, "--random", "0"), "--random 0"),
        ((*common, "--vary", "half_ticks=1:9"), "for --random"),
        ((*common, "--vary", "half_ticks"), "give NAME=VALUES"),
        ((*common, "--vary", "half_ticks=-1,1"), "half_ticks is -1"),
        ((*common, *vary, "--dask", "tcp://127.0.0.1:9"), "--dask tcp://127.0.0.1:9"),
        ((*common, *vary, "--strategy", "none.py"), "no strategy 'none.py'"),
        ((tmp_path / "none.gz", *ASSUMED, *results, *vary), "none.gz: No such file"),
        ((days[0], *ASSUMED, *vary, "--results", tmp_path), "Is a directory"),
    ):
        done = appliance("sweep", *words, code=2)
        assert said in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_people_see_a_table(days: list[Path], tmp_path: Path) -> None:
    words = (*days, *ASSUMED, "--vary", "half_ticks=3:9", "--random", 3)
    shown = appliance("sweep", *words, "--results", tmp_path / "r.jsonl").stdout
    assert shown.count("half_ticks=") == 3 and "best by sharpe_ratio over 3 periods" in shown
    assert "likely luck" in shown
