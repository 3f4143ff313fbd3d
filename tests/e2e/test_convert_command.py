"""``appliance convert`` (appliance.cold.convert_command): what it writes is the same history.

appliance.cold.backtest.recordings, appliance.cold.backtest.npz_files
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.abi.market import Market
from appliance.cold import recording
from appliance.cold.synthetic import generate
from tests.e2e.conftest import ROOT

QUOTER = ROOT / "tests" / "backtest" / "quoter.py"


def appliance(*words: str | Path, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "appliance", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without bookTicker, of which hftbacktest knows nothing."""
    path = tmp_path_factory.mktemp("history") / "session.gz"
    lines = generate(6, 40.0, symbols=("BTCUSDT",), market=Market.USDM)
    recording.write(path, (line for line in lines if b"bookTicker" not in line.frame))
    return path


def test_a_backtest_of_it_is_the_same(session: Path, tmp_path: Path) -> None:
    out = tmp_path / "btcusdt_1.npz"
    told = json.loads(appliance("convert", session, out, "--json"))
    with np.load(out) as file:
        assert len(file["data"]) == told["events"] > 1000
    results: list[dict[str, Any]] = []
    for file_name in (session, out):
        words = ("backtest", file_name, "--strategy", QUOTER, "--sample", "1", "--json")
        results.append(json.loads(appliance(*words)))
    one, two = results
    for name in ("profit", "orders", "cancels", "fills", "fees", "sharpe_ratio", "by_symbol"):
        assert one[name] == two[name], name
    assert one["fills"] > 10


def test_again_only_by_force(session: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.npz"
    appliance("convert", session, out)
    first = out.stat().st_mtime_ns
    assert "is there already" in appliance("convert", session, out, code=2)
    assert out.stat().st_mtime_ns == first
    assert "events in" in appliance("convert", session, out, "--force")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_bad_requests(session: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.gz"
    symbols = ("BTCUSDT", "ETHUSDT")
    recording.write(both, generate(6, 3.0, symbols=symbols, market=Market.USDM))
    for words, said in (
        ((session, tmp_path / "a.txt"), "ends in .npz"),
        ((both, tmp_path / "a.npz"), "choose one with --symbols, of BTCUSDT, ETHUSDT"),
        ((tmp_path / "none.gz", tmp_path / "a.npz"), "none.gz"),
        ((session, tmp_path / "no" / "a.npz"), "No such file"),
    ):
        assert said in appliance("convert", *words, code=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["both.gz"]
