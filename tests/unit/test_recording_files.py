"""Recordings of several symbols as one (appliance.cold.recording_files)."""

import gzip
import random
from pathlib import Path

import pytest

from appliance.cold.errors import ApplianceError
from appliance.cold.line import ReadReport
from appliance.cold.recording import load
from appliance.cold.recording_files import in_time

NS = 1_723_161_253_937_085_768
SNAPSHOT = b'{"lastUpdateId":7,"bids":[["1.0","2"]],"asks":[]}'


def stored(folder: Path, name: str, *stamped: tuple[int, bytes]) -> Path:
    path = folder / name
    data = b"".join(b"%d %s\n" % line for line in stamped)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_symbols_side_by_side_and_their_files_one_after_the_other(tmp_path: Path) -> None:
    rng = random.Random(1)
    files: dict[str, list[tuple[int, bytes]]] = {}
    said = []
    for n in range(600):
        symbol = rng.choice(["btcusdt", "ethusdt", "others"])
        line = (NS + 3 * n, b'{"n":%d}' % n)
        files.setdefault(f"{symbol}_20240808_{n // 200:03}.gz", []).append(line)
        said.append(line)
    paths = [stored(tmp_path, name, *lines) for name, lines in sorted(files.items())]
    report = ReadReport()
    seen: list[tuple[int, int]] = []
    found = list(in_time(paths, lambda done, total: seen.append((done, total)), report))
    assert [(line.receive_ns, line.frame) for line in found] == said
    assert (report.frames, report.first_ns, report.last_ns) == (600, NS, NS + 3 * 599)
    total = sum(path.stat().st_size for path in paths)
    assert seen == sorted(seen) and seen[-1] == (total, total)


def test_a_snapshot_is_of_its_files_symbol(tmp_path: Path) -> None:
    one = stored(tmp_path, "btcusdt_20240808.gz", (NS, b"{}"), (NS + 1, SNAPSHOT))
    two = stored(tmp_path, "ethusdt_20240808_001.gz", (NS, SNAPSHOT))
    other = stored(tmp_path, "others_20240808_001.gz", (NS + 2, SNAPSHOT))
    arena = load([one, two, other])
    told = [(arena.symbols[hint] if hint >= 0 else "") for hint in arena.hints]
    assert told == ["", "ETHUSDT", "BTCUSDT", ""]
    alone = load([one])
    assert list(alone.symbols) == []  # as ever: the only symbol there is


def test_what_cannot_be_merged(tmp_path: Path) -> None:
    one = stored(tmp_path, "btcusdt_20240808.gz", (NS, b"{}"))
    two = tmp_path / "ethusdt_20240808.gz"
    two.write_bytes(gzip.compress(b'{"stream":"x"}\n'))
    with pytest.raises(ApplianceError, match=r"ethusdt_20240808.gz has lines without a time"):
        list(in_time([one, two], None, ReadReport()))
    later = stored(tmp_path, "btcusdt_20240809.gz", (NS - 9, b"{}"))
    for others in ([], [stored(tmp_path, "ltcusdt_20240808.gz", (NS, b"{}"))]):
        with pytest.raises(ApplianceError, match="begins before"):
            list(in_time([one, later, *others], None, ReadReport()))
