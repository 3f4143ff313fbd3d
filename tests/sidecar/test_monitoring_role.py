"""The role ``monitoring`` gives a Grafana that is there what belongs in it, as an operator plays.

Against the stand-in; InfluxDB by the role: tests/vm.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from sidecar.grafana.alert_rules import RULES
from sidecar.grafana.dashboards import ALL
from tests.extra_environment import interpreter
from tests.sidecar.grafana_stand_in import TOKEN, StandIn, uids

ANSIBLE = Path(__file__).resolve().parents[2] / "ansible"


@pytest.fixture
def grafana():
    made = StandIn()
    yield made
    made.close()


def monitor(folder: Path, url: str, token: str) -> tuple[int, str]:
    """The code and the words of ``playbooks/monitor.yml``, on this host."""
    interpreter("grafana")
    host = {
        "ansible_connection": "local",
        "ansible_become": False,
        "monitoring_influx": {"url": "http://127.0.0.1:8086", "bucket": "lonecore", "api": "v1"},
        "monitoring_influx_token": "me:secret",
        "monitoring_grafana": "existing",
        "monitoring_grafana_url": url,
        "monitoring_grafana_token": token,
    }
    inventory = folder / "hosts.yml"
    inventory.write_text(json.dumps({"monitoring": {"hosts": {"here": host}}}))
    command = interpreter("ansible").parent / "ansible-playbook"
    done = subprocess.run(
        [command, "-i", inventory, ANSIBLE / "playbooks/monitor.yml"],
        cwd=ANSIBLE,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1", "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def changed_n(told: str) -> int:
    found = re.search(r"^here +: .*\bchanged=(\d+)", told, re.M)
    assert found, told
    return int(found[1])


def test_it_is_put_there_and_again_changes_nothing(grafana: StandIn, tmp_path: Path) -> None:
    code, told = monitor(tmp_path, grafana.url, TOKEN)
    assert code == 0 and changed_n(told) == 1, told
    assert uids(grafana.kept, "dashboards") == sorted(f"lonecore-{name}" for name in ALL)
    assert uids(grafana.kept, "alert-rules") == sorted(rule.uid for rule in RULES)
    kept = json.dumps(grafana.kept, sort_keys=True)
    code, told = monitor(tmp_path, grafana.url, TOKEN)
    assert code == 0 and changed_n(told) == 0, told
    assert json.dumps(grafana.kept, sort_keys=True) == kept
    assert "secret" not in told and TOKEN not in told
    assert [path.name for path in tmp_path.iterdir()] == ["hosts.yml"], "the tokens are gone"


def test_a_token_that_is_none(grafana: StandIn, tmp_path: Path) -> None:
    code, told = monitor(tmp_path, grafana.url, "")
    assert code == 2 and "monitoring_grafana_token" in told and not grafana.kept
    code, told = monitor(tmp_path, grafana.url, "glsa_wrong")
    assert code == 2 and "it wants the token of a service account" in told and not grafana.kept, (
        told
    )
