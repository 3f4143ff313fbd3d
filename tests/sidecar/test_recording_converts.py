"""What the recorder writes, read by hftbacktest's own converter, in an environment of its own."""

import json
import subprocess
from pathlib import Path

import pytest

from appliance.abi.market import Market
from appliance.cold.synthetic import generate
from sidecar.recorder.run_recorder import RunRecorder
from tests.extra_environment import interpreter
from tests.sidecar.captures import CapturedRun, frames, marks

_CONVERT = """
import collections, json, sys
from hftbacktest.data.utils.binancefutures import convert
from hftbacktest import types as t
rows = convert(sys.argv[1], buffer_size=1_000_000)
kinds = collections.Counter(int(event) & 0xFF for event in rows["ev"])
print(json.dumps({
    "trades": kinds[t.TRADE_EVENT], "depth": kinds[t.DEPTH_EVENT],
    "snapshot": kinds[t.DEPTH_SNAPSHOT_EVENT], "clears": kinds[t.DEPTH_CLEAR_EVENT],
    "quantity": float(rows["qty"].sum()),
}))
"""


@pytest.fixture(scope="session")
def python() -> Path:
    return interpreter("hftbacktest", "--no-deps")


def test_hftbacktest_reads_it_as_it_is(python: Path, tmp_path: Path) -> None:
    """Events and quantities are those of the frames, counted here; a gap's mark is passed over."""
    run = CapturedRun(tmp_path, symbols=("BTCUSDT",), capacity=1 << 20)
    recorder = RunRecorder(run.path, tmp_path / "rec")
    said = list(generate(4, 30.0, symbols=run.symbols, market=Market.USDM))
    run.say(b'{"result":null,"id":1}', -1)
    for n, line in enumerate(said):
        run.say(line.frame)
        if n % 50 == 0 and not 200 < n < len(said) - 200:
            recorder.step()
    run.end()
    while recorder.step():
        pass
    folder = tmp_path / "rec" / "live" / "spot"
    kept = [json.loads(frame) for frame in frames(folder, "BTCUSDT")]
    assert len(marks(folder, "BTCUSDT")) == 1, "there is a gap in it"
    (file,) = folder.glob("btcusdt_*.gz")
    done = subprocess.run(
        [python, "-c", _CONVERT, file], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == counted(kept) | {"quantity": pytest.approx(counted(kept)["quantity"])}


def counted(kept: list[dict]) -> dict[str, float]:
    """What the converter must make of frames; a snapshot clears both sides first."""
    trades = depth = snapshot = clears = 0
    quantity = 0.0
    for told in kept:
        data = told.get("data", told)
        sides = [data.get("b"), data.get("a")] if "data" in told else [data["bids"], data["asks"]]
        if "data" not in told:
            snapshot += sum(map(len, sides))
            clears += sum(map(bool, sides))
            quantity += sum(float(level[1]) for side in sides for level in side)
        elif data["e"] == "depthUpdate":
            depth += sum(map(len, sides))
            quantity += sum(float(level[1]) for side in sides for level in side)
        elif data["e"] == "trade" and data["X"] == "MARKET":
            trades += 1
            quantity += float(data["q"])
    return {
        "trades": trades,
        "depth": depth,
        "snapshot": snapshot,
        "clears": clears,
        "quantity": quantity,
    }
