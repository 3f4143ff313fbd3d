"""A recording served by the venue, recorded again by the sidecar: what came over the wire, byte by
byte, and what the loop made of it once more from the files."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.cold.line import write
from appliance.cold.synthetic import generate
from tests.e2e.conftest import ROOT, Appliance
from tests.live.run_file import SYMBOLS, run_name, write_run
from tests.live.tap import Tap
from tests.live.venue_process import VenueProcess
from tests.sidecar.captures import check_manifest, lines

SECONDS = 6
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])

pytestmark = pytest.mark.usefixtures("regions")


@contextmanager
def recording_sidecar(name: str, folder: Path) -> Iterator[list[dict[str, Any]]]:
    """What it said in the end, when it is over."""
    said: list[dict[str, Any]] = []
    words = ["run", "--region", name, "--spool", str(folder), "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sidecar", *words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield said
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=60)
        said.append(json.loads(out))


@BOTH
def test_what_came_over_the_wire(live_appliance: Appliance, tmp_path: Path, market: Market) -> None:
    source = tmp_path / "source.gz"
    write(source, generate(9, 20.0, symbols=SYMBOLS, market=market))
    spool = tmp_path / "spool"
    with (
        VenueProcess(tmp_path, "--recording", str(source), "--repeat") as venue,
        Tap(venue.ready["port"]) as tap,
    ):
        name = run_name(venue.ready["port"])
        streams = venue.ready[market.name.lower()]["streams"]
        venue.ready[market.name.lower()]["streams"] = streams.replace(
            str(venue.ready["port"]), str(tap.port)
        )
        config = write_run(tmp_path, venue.ready, market, mode="paper")
        with recording_sidecar(name, spool) as said:
            done = live_appliance("run", config, "--seconds", SECONDS, "--json")
        assert done.code == 0, done.err[-3000:]
    recorder = said[0]["recorder"]
    folder = spool / "recordings" / name / market.name.lower()
    assert check_manifest(folder)["gaps"] == [] and recorder["lost_frames"] == 0
    recorded = sorted(line for one in (*SYMBOLS, "others") for line in lines(folder, one))
    assert recorder["frames"] == len(recorded) > 100
    has_all_of_the_wire(tap, [frame for _, frame in recorded])
    files = [folder / file for file in sorted(p.name for p in folder.glob("*usdt*.gz"))]
    again_from_the_files(live_appliance, files, done.report)


def has_all_of_the_wire(tap: Tap, recorded: list[bytes]) -> None:
    """Each connection's messages in their order, up to where the loop stopped; and nothing else
    but snapshots."""
    heard = [texts for one in tap.heard if (texts := one.texts())]
    known = {text for texts in heard for text in texts}
    for texts in heard:
        mine = set(texts)
        assert len(mine) == len(texts)
        taken = [frame for frame in recorded if frame in mine]
        assert taken == texts[: len(taken)]
        assert len(taken) >= len(texts) - 200, "what came when the loop had stopped"
    rest = [frame for frame in recorded if frame not in known]
    assert all(frame.startswith(b'{"lastUpdateId"') for frame in rest)
    assert len(rest) >= len(SYMBOLS)


def again_from_the_files(appliance: Appliance, files: list[Path], live: dict[str, Any]) -> None:
    """The replay's books are the run's, compared with the venue's tops as often."""
    assert len(files) == len(SYMBOLS)
    replayed = appliance.replay(*files)
    assert replayed["gaps"] == 0 and replayed["quarantined"] == 0
    for symbol in SYMBOLS:
        book, before = replayed["book"][symbol], live["book"][symbol]
        assert (book["mismatched"], book["crossed"]) == (0, 0)
        assert book["compared"] == before["compared"] > 0
