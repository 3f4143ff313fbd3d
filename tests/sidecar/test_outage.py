"""Everything goes wrong, with a real influxd, for a while; ``outage.py``: for half an hour."""

from pathlib import Path

from tests.sidecar.outage import Outage, campaign

FRESH_S_MAX = 60.0  # the bar is ten seconds; a loaded machine may take longer without being wrong


def test_nothing_is_lost_and_nothing_counts_twice(influxd_binary: Path, tmp_path: Path) -> None:
    outage = Outage(tmp_path, influxd_binary, seed=3)
    try:
        told = campaign(outage, minutes=0.3, kills=2)
    finally:
        outage.close()
    assert told["fills"] == told["events"] == told["truth"]["fills"] > 0
    assert told["spans"] == told["heat"] == told["truth"]["spans"] > 0
    assert told["gaps"] == told["quarantined"] == 0
    assert told["kills"] == 2 and told["fresh_s_most"] < FRESH_S_MAX
