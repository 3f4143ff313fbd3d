"""Lines written are lines read."""

from pathlib import Path

import pytest

from appliance.cold.errors import ApplianceError
from appliance.cold.frame_lines import read
from appliance.cold.line import Line, ReadReport, write

NS = 1_723_161_253_937_085_768
FRAME = b'{"stream":"btcusdt@bookTicker","data":{"u":1}}'
SNAPSHOT = b'{"lastUpdateId":7,"bids":[["1.0","2"]],"asks":[]}'


def test_write_and_read_again(tmp_path: Path) -> None:
    lines = [Line(NS, FRAME), Line(NS + 1, SNAPSHOT, True, "NKNUSDT"), Line(NS + 2, FRAME)]
    for name in ("a.txt", "a.gz"):
        assert write(tmp_path / name, lines) == 3
        assert list(read(tmp_path / name)) == lines
    packed = (tmp_path / "a.gz").read_bytes()
    write(tmp_path / "b.gz", lines)
    assert (tmp_path / "b.gz").read_bytes() == packed
    with pytest.raises(ApplianceError, match="cannot be written"):
        write(tmp_path / "no" / "a.txt", lines)


def test_a_report_with_nothing_to_say() -> None:
    assert ReadReport().remarks() == []
    assert ReadReport(truncated=True, ignored=2).remarks() == [
        "a file is cut off or damaged; read up to there",
        "2 REST replies are no depth snapshots and were left out",
    ]
