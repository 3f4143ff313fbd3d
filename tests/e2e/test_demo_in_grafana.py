"""What a demo recorded, shipped to a real influxd, and every question that our dashboards and
alerts ask (sidecar.grafana)."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Appliance
from tests.sidecar.conftest import influxd_binary
from tests.sidecar.influxd import Influxd
from tests.sidecar.test_grafana import expanded, queries

__all__ = ["influxd_binary"]
pytestmark = pytest.mark.usefixtures("regions")

# What a demo that goes well has nothing of.
NOTHING_TO_TELL = ("mark halts", "mark reduce only", "mark deploys", "mark gaps")


def test_every_panel_and_alert_after_a_demo(
    live_appliance: Appliance, influxd_binary: Path, tmp_path: Path
) -> None:
    report = tmp_path / "demo.json"
    done = live_appliance("demo", "--seconds", 8, "--json", "--report", report)
    assert done.code == 0, done.err
    server = Influxd(influxd_binary, tmp_path)
    try:
        config = tmp_path / "sidecar.toml"
        config.write_text(
            f'regions = ["none"]\n[spool]\nfolder = "{done.report["record"]["folder"]}"\n'
            f'[influx]\nurl = "{server.url}"\nbucket = "lonecore"\napi = "v1"\n'
        )
        words = [sys.executable, "-m", "sidecar", "run", config, "--for", "2", "--json"]
        shipped = subprocess.run(words, cwd=ROOT, capture_output=True, timeout=60, check=False)
        assert shipped.returncode == 0 and b'"all_sent": true' in shipped.stdout
        empty = [
            where
            for where, text in queries()
            if not where.endswith(NOTHING_TO_TELL) and not server.query(expanded(text))
        ]
        assert empty == []
        (row,) = server.query("SELECT sum(delta) FROM lc_orders WHERE kind = 'new'")
        assert row["sum"] == done.report["orders"] > 0
        (row,) = server.query("SELECT sum(delta) FROM lc_orders WHERE kind = 'fill'")
        assert row["sum"] == done.report["fills"]
    finally:
        server.stop()
