"""``sidecar query`` (sidecar.query_command, line_reader, sparkline): the record, read back."""

import csv
import io
import json
import math
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.counters import Counter
from appliance.abi.telemetry import Stage
from sidecar.__main__ import main
from sidecar.line import head, line
from sidecar.line_reader import read_line
from sidecar.sampler import Sampler
from sidecar.sparkline import sparkline
from sidecar.spool import Spool
from tests.sidecar.reading import parse
from tests.sidecar.regions import NOW_NS, Run

S = 10**9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten intervals of a run, and one of just now."""
    where = tmp_path_factory.mktemp("query")
    (where / "shm").mkdir()
    run = Run(where / "shm", symbols=("BTCUSDT",))
    spool = Spool(where / "spool", 1 << 30)
    sampler = Sampler(spool, None, directory=where / "shm")
    for n in range(10):
        run.count(Counter.FILLS, n)
        run.stage(Stage.GATE, 40 + 10 * n, 3)
        sampler.step(NOW_NS + n * S)
    sampler.step(time.time_ns())
    sampler.close()
    spool.close()
    run.end()
    return where / "spool"


def ask(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["query", "--spool", str(folder), *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_what_there_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(folder, capsys, "--json")
    told = json.loads(out)["measurements"]
    assert code == 0 and told["lc_latency"]["points"] == 10
    assert told["lc_orders"] == {
        "points": 10,
        "tags": ["host", "kind", "proc"],
        "fields": ["delta", "total"],
    }
    code, out, _ = ask(folder, capsys)
    assert code == 0 and "lc_position" in out and "\x1b" not in out


def test_json_and_csv_hold_every_point(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("lc_orders", "--tag", "kind=fill", "--field", "delta")
    code, out, _ = ask(folder, capsys, *words, "--json")
    points = json.loads(out)["points"]
    assert code == 0 and [p["fields"]["delta"] for p in points] == [*range(1, 10), 0]
    assert [p["time_ns"] for p in points][:9] == [NOW_NS + n * S for n in range(1, 10)]
    code, out, _ = ask(folder, capsys, *words, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [int(row["delta"]) for row in rows] == [*range(1, 10), 0]
    assert rows[0]["proc"] == "live" and int(rows[0]["time_ns"]) == NOW_NS + S


def test_a_table_and_a_plot(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(folder, capsys, "lc_latency", "--field", "p99", "--rows", "3")
    assert code == 0 and "the last 3 of 10" in out and "2023-11-14 22:13:29" in out
    code, out, _ = ask(folder, capsys, "lc_latency", "--field", "p99", "--plot")
    assert code == 0 and "█" in out and "40 .. 130, last 130" in out


def test_only_of_late(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(folder, capsys, "lc_hb", "--last", "1h", "--json")
    assert code == 0 and len(json.loads(out)["points"]) == 1


def test_what_is_not_there(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = ask(folder, capsys, "lc_nothing")
    assert (code, out) == (1, "") and "nothing of lc_nothing" in err
    code, out, _ = ask(folder, capsys, "lc_hb", "--field", "nothing", "--json")
    assert code == 1 and json.loads(out)["points"] == []
    code, _, err = ask(tmp_path / "none", capsys)
    assert code == 2 and "there is no spool" in err and err.count("\n") == 1
    assert ask(tmp_path, capsys)[0] == 1


@pytest.mark.parametrize("words", [["--last", "5x"], ["--tag", "a"], ["--csv", "--json"]])
def test_wrong_requests(folder: Path, words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["query", "--spool", str(folder), "lc_hb", *words])
    assert caught.value.code == 2


TEXT = st.text(max_size=12)


@given(
    st.dictionaries(st.sampled_from("abc"), TEXT),
    st.dictionaries(
        st.sampled_from("xyz"),
        st.integers(-(2**63) + 1, 2**63 - 1) | st.floats() | st.booleans() | TEXT,
        min_size=1,
    ),
    st.integers(1, 2**63 - 1),
)
def test_what_is_written_is_read(tags, fields, time_ns) -> None:
    made = line(head("m", tags), fields, time_ns)
    if made is None:
        return
    text = made.decode().rstrip("\n")
    sample, oracle = read_line(text), parse(text)
    assert sample.time_ns == time_ns and sample.measurement == "m"
    assert (sample.tags, sample.fields) == (oracle.tags, oracle.fields)
    for name, value in fields.items():
        if isinstance(value, float) and not math.isfinite(value):
            assert name not in sample.fields
        elif not isinstance(value, str):
            assert sample.fields[name] == value and type(sample.fields[name]) is type(value)


@pytest.mark.parametrize("text", ["", "m", "m a=1i", "m a=1i x", "m  1", 'm a="x 1'])
def test_what_is_no_line(text: str) -> None:
    with pytest.raises(ValueError):
        read_line(text)


def test_bars() -> None:
    assert sparkline([(0, 1.0), (5, 8.0), (9, 4.5)], (0, 9), 10) == "▁    █   ▅"
    assert sparkline([(0, 3.0)], (0, 0), 4) == "▁   " and sparkline([], (0, 9), 3) == "   "
