"""What a measurement leaves: appliance.cold.bench.hdr_files against HdrHistogram's own library,
appliance.cold.bench.report, appliance.cold.bench.series."""

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from appliance.abi.histogram_layout import VALUE_MAX, percentiles
from appliance.abi.limits import HISTOGRAM_BUCKETS
from appliance.cold.bench.hdr_files import encoded, hgrm, hlog, percentile_rows
from appliance.cold.bench.report import page
from appliance.cold.bench.series import Series, counts_of, dense, longest_of
from appliance.cold.bench_command import _plain, _write
from appliance.cold.command_line import main

VALUES = {
    "nothing": [],
    "one": [7],
    "small": [0, 1, 2, 255, 256, 257, 1000],
    "large": [VALUE_MAX, 10**9, 3],
    "many": np.random.default_rng(1).lognormal(8, 2, 20_000).astype(int).tolist(),
}


@pytest.mark.parametrize("name", VALUES)
def test_hdr_histogram_reads_it(name: str) -> None:
    counts = counts_of(VALUES[name])
    theirs = HdrHistogram.decode(encoded(counts))
    assert theirs.get_total_count() == len(VALUES[name])
    # Of few values a percentile depends on how a rank is rounded.
    for percent in (0, 50, 90, 99, 99.9, 100) if name == "many" else (0, 100):
        ours = percentiles(counts, [percent])[0]
        assert theirs.get_value_at_percentile(percent) == pytest.approx(ours, rel=0.01, abs=1)


@pytest.mark.parametrize("name", VALUES)
def test_theirs_is_the_same_text_as_ours(name: str) -> None:
    theirs = HdrHistogram(1, VALUE_MAX, 2)
    for value in VALUES[name]:
        theirs.record_value(value)
    counts = [theirs.get_count_at_index(n) for n in range(HISTOGRAM_BUCKETS)]
    assert counts == counts_of(VALUES[name]).tolist()


def series(name: str = "wire_1x", rounds: int = 6, scale: int = 1) -> Series:
    made = Series(name, f"title of {name}")
    chance = np.random.default_rng(5)
    for _ in range(rounds):
        values = (scale * chance.lognormal(9, 0.5, 500)).astype(int)
        made.add(counts_of(values.tolist()), int(values.max()))
    return made


def test_a_log_reader_reads_the_log(tmp_path: Path) -> None:
    both = [series("a"), series("b", scale=3)]
    path = tmp_path / "bench.hlog"
    path.write_text(hlog(both, 1_700_000_000 * 10**9, 0.5))
    reader = HistogramLogReader(str(path), HdrHistogram(1, VALUE_MAX, 2))
    found = []
    while (one := reader.get_next_interval_histogram()) is not None:
        found.append((one.get_tag(), one.get_total_count()))
    reader.close()
    assert found == [("a", 500)] * 6 + [("b", 500)] * 6


def test_the_percentile_distribution() -> None:
    counts = series().counts
    rows = percentile_rows(counts)
    assert rows[-1][1:] == (1.0, 3000) and rows[0][1] == 0.0
    for before, after in pairwise(rows):
        assert before[0] <= after[0] and before[1] < after[1] and before[2] <= after[2]
    for value, share, _ in rows[:-1]:
        assert value == percentiles(counts, [share * 100])[0]
    lines = hgrm(counts).splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    assert len(lines) == len(rows) + 5 and "Total count    =         3000]" in lines[-2]
    assert percentile_rows(counts_of([])) == [] and "Total count" in hgrm(counts_of([]))


def test_figures_are_those_of_all_rounds() -> None:
    one = series()
    figures = one.figures()
    assert figures["n"] == 3000 and figures["max_ns"] == max(one.longest_ns)
    assert figures["p50_ns"] == percentiles(one.counts, [50.0])[0]
    assert len(one.by_round()["p99_ns"]) == 6
    assert longest_of(counts_of([5, 9])) == 9 and longest_of(counts_of([])) == 0


def result(one: Series, *, emulated: bool = False) -> dict[str, Any]:
    facts = {"host": "<here>", "processor": "a processor", "emulated": emulated}
    knob = {"knob": "isolcpus", "verdict": "wrong", "wanted": "3", "found": "nothing"}
    told = {one.name: _plain(one, emulated=emulated)}
    made = {"format": 1, "facts": facts, "host": [knob], "rounds": 6, "series": told}
    return dict(json.loads(json.dumps(made)))


def test_buckets_are_all_of_it() -> None:
    one = series()
    assert np.array_equal(dense(one.buckets()), one.counts)
    assert Series("none", "none", [counts_of([])]).buckets() == []


def test_the_report_stands_alone() -> None:
    text = page(result(series()))
    assert "&lt;here&gt;" in text and "title of wire_1x" in text and "isolcpus" in text
    assert "Percentiles, ns" in text and "p99 of each round, ns" in text
    assert '<script src="http' not in text and "<link" not in text


def test_it_is_made_where_plotly_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A host has none: everything else is there, and it is said how to go on."""
    one, path = series(), tmp_path / "result.json"
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "plotly.graph_objects", None)
        _write(tmp_path, result(one) | {"made_ns": 0}, [one], 1.0)
        told = capsys.readouterr().err
        assert told.endswith(f"appliance bench --report {path}\n") and path.exists()
        assert main(["bench", "--report", str(path)]) == 2
        assert "a report needs plotly" in capsys.readouterr().err
    report = tmp_path / "report.html"
    assert (tmp_path / "wire_1x.hgrm").exists() and not report.exists()
    assert main(["bench", "--report", str(path)]) == 0
    assert capsys.readouterr().out == f"{report}\n"
    assert report.read_text().count("title of wire_1x") == 1
    path.write_text(json.dumps(result(one) | {"host": 5}))
    assert main(["bench", "--report", str(path)]) == 2
    assert main(["bench", "--report", str(tmp_path)]) == 2


def test_an_emulated_machine_has_no_figures() -> None:
    one = series()
    told = _plain(one, emulated=True)
    assert told == {"title": one.title, "withheld": "an emulated machine", "n": 3000}
    text = page(result(one, emulated=True))
    figures = one.figures()
    assert "no figure of it means anything" in text and "title of wire_1x" not in text
    for name in ("p50_ns", "p99_ns", "p999_ns", "max_ns"):
        assert f"{figures[name]:,}" not in text and str(figures[name]) not in text
