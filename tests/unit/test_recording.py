"""Recordings in memory: order, snapshots, chunks."""

import json
from pathlib import Path

import numpy as np
import pytest

from appliance.abi.limits import FRAME_PADDING_BYTES
from appliance.cold.errors import ApplianceError
from appliance.cold.recording import (
    Line,
    ReadReport,
    SnapshotFile,
    load,
    load_chunks,
    merged,
    read,
)

NS = 1_723_161_253_937_085_768
FRAME = b'{"stream":"btcusdt@bookTicker","data":{"u":1}}'
SNAPSHOT = b'{"lastUpdateId":7,"bids":[["1.0","2"]],"asks":[]}'


def stored(folder: Path, data: bytes, name: str = "r.txt") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def reading(path: Path) -> tuple[list[Line], ReadReport]:
    report = ReadReport()
    return list(read(path, report=report)), report


def lines_of(*stamps: int) -> bytes:
    return b"".join(b"%d {%d}\n" % (stamp, number) for number, stamp in enumerate(stamps))


def test_progress_ends_at_the_size(tmp_path: Path) -> None:
    one = stored(tmp_path, lines_of(NS), "one")
    two = stored(tmp_path, lines_of(NS + 1) * 1000, "two")
    seen: list[tuple[int, int]] = []
    load([one, two], progress=lambda done, total: seen.append((done, total)))
    total = one.stat().st_size + two.stat().st_size
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)


def test_arena(tmp_path: Path) -> None:
    first = stored(tmp_path, lines_of(NS, NS + 2, NS + 4), "first")
    second = stored(tmp_path, lines_of(NS + 5), "second")
    stamped = stored(
        tmp_path,
        b"u://h/depth?symbol=AAA -> 1723161253.937085770: " + SNAPSHOT + b"\n"
        b"u://h/depth?symbol=BBB -> 1723161253.937085999: " + SNAPSHOT + b"\n",
        "stamped",
    )
    bare = stored(tmp_path, json.dumps(json.loads(SNAPSHOT), indent=1).encode(), "bare")
    arena = load([first, second], [f"CCC={bare}", SnapshotFile(stamped)])
    names = [arena.symbols[i] if i >= 0 else "" for i in arena.hints]
    assert names == ["CCC", "", "AAA", "", "", "", "BBB"]
    assert arena.receive_ns.tolist() == [NS, NS, NS + 2, NS + 2, NS + 4, NS + 5, NS + 231]
    assert arena.is_rest.tolist() == [1, 0, 1, 0, 0, 0, 1]
    assert [arena.frame(i) for i in (1, 3, 4, 5)] == [b"{0}", b"{1}", b"{2}", b"{0}"]
    assert arena.frame(2) == SNAPSHOT
    last = int(arena.starts[-1] + arena.lengths[-1])
    assert arena.data.nbytes - last == FRAME_PADDING_BYTES
    assert arena.data.dtype == np.uint8
    assert arena.data.flags.writeable
    for array in (arena.starts, arena.lengths, arena.receive_ns, arena.is_rest, arena.hints):
        assert array.dtype == np.int64
        assert array.flags.c_contiguous
        assert len(array) == len(arena) == 7


@pytest.mark.parametrize("chunk_bytes", [1, 50, 10**9])
def test_chunks_are_the_arena_in_pieces(tmp_path: Path, chunk_bytes: int) -> None:
    path = stored(tmp_path, lines_of(*range(NS, NS + 100)))
    snapshot = stored(
        tmp_path, b"u://h/depth?symbol=A -> 1723161253.937085800: " + SNAPSHOT + b"\n", "s"
    )
    whole = load([path], [str(snapshot)])
    chunks = list(load_chunks([path], [str(snapshot)], chunk_bytes))
    got = [
        (chunk.frame(i), int(chunk.receive_ns[i]), int(chunk.is_rest[i]), int(chunk.hints[i]))
        for chunk in chunks
        for i in range(len(chunk))
    ]
    want = [
        (whole.frame(i), int(whole.receive_ns[i]), int(whole.is_rest[i]), int(whole.hints[i]))
        for i in range(len(whole))
    ]
    assert got == want
    assert sum(map(len, chunks)) == 101
    assert chunks[-1].report.frames == 100
    assert chunk_bytes > 10**6 or len(chunks) > 1


def test_wrong_requests(tmp_path: Path) -> None:
    early = stored(tmp_path, lines_of(NS), "early")
    late = stored(tmp_path, lines_of(NS + 1), "late")
    named = stored(tmp_path, b"u://h/depth?symbol=AAA -> 1.5: " + SNAPSHOT + b"\n", "named")
    for call, says in (
        (lambda: load([late, early]), "begins before"),
        (lambda: load([]), "no recording was named"),
        (lambda: load([early], [f"BBB={named}"]), "snapshot of AAA, not of BBB"),
        (lambda: load([early], [str(late)]), "holds no depth snapshot"),
        (lambda: SnapshotFile.parse("BTCUSDT="), r"is not \[SYMBOL=\]FILE"),
    ):
        with pytest.raises(ApplianceError, match=says):
            call()


def test_snapshot_option_may_name_odd_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stored(tmp_path, SNAPSHOT, "a=b")
    assert SnapshotFile.parse("a=b") == SnapshotFile(Path("a=b"))
    assert SnapshotFile.parse("btcusdt=c=d") == SnapshotFile(Path("c=d"), "BTCUSDT")
    assert SnapshotFile.parse("./x=y") == SnapshotFile(Path("./x=y"))


def test_snapshots_go_into_a_recording_without_stamps(tmp_path: Path) -> None:
    path = stored(tmp_path, FRAME + b"\n" + FRAME + b"\n")
    bare = stored(tmp_path, SNAPSHOT, "bare")
    lines = list(merged([path], [str(bare)]))
    assert [line.is_rest for line in lines] == [True, False, False]
    assert load([path]).receive_ns.tolist() == [0, 0]
