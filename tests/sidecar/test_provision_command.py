"""``sidecar provision`` (sidecar.provision_command) with the real client, in an environment of its
own, against a stand-in; against a real Grafana where GRAFANA_URL and GRAFANA_TOKEN are set."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from sidecar import provision_command
from sidecar.__main__ import main
from sidecar.grafana.alert_rules import RULES
from sidecar.grafana.dashboards import ALL
from sidecar.provision_command import data_source
from tests.extra_environment import interpreter
from tests.sidecar.grafana_stand_in import TOKEN, StandIn, uids

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter of an environment with the extra; under CI it is made, else skip."""
    return interpreter("grafana")


@pytest.fixture
def grafana():
    made = StandIn()
    yield made
    made.close()


def config(folder: Path, url: str, token: str = TOKEN) -> Path:
    for name, secret in (("grafana.token", token), ("influx.token", "me:secret")):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    path = folder / "sidecar.toml"
    path.write_text(
        '[influx]\nurl = "http://127.0.0.1:8086"\nbucket = "lonecore/keep"\napi = "v1"\n'
        f'token_file = "influx.token"\n[grafana]\nurl = "{url}"\ntoken_file = "grafana.token"\n'
    )
    return path


def provision(python: Path, path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-W", "ignore", "-m", "sidecar", "provision", path, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_everything_is_put_there_and_again_changes_nothing(
    python: Path, grafana: StandIn, tmp_path: Path
) -> None:
    path = config(tmp_path, grafana.url)
    first = provision(python, path, "--json")
    assert first.returncode == 0, first.stderr
    assert len(json.loads(first.stdout)["done"]) == 2 + len(ALL) + len(RULES)
    assert uids(grafana.kept, "dashboards") == sorted(f"lonecore-{name}" for name in ALL)
    assert uids(grafana.kept, "alert-rules") == sorted(rule.uid for rule in RULES)
    source = grafana.kept["/datasources/uid/lonecore"]
    assert source["jsonData"]["dbName"] == "lonecore" and source["basicAuthUser"] == "me"
    kept = json.dumps(grafana.kept, sort_keys=True)
    second = provision(python, path)
    assert second.returncode == 0 and "renewed" in second.stdout
    assert json.dumps(grafana.kept, sort_keys=True) == kept


def test_a_dashboard_that_was_edited_by_hand_is_as_it_was(
    python: Path, grafana: StandIn, tmp_path: Path
) -> None:
    path = config(tmp_path, grafana.url)
    assert provision(python, path).returncode == 0
    before = dict(grafana.kept["/dashboards/lonecore-safe"])
    grafana.kept["/dashboards/lonecore-safe"]["title"] = "mine"
    assert provision(python, path).returncode == 0
    assert grafana.kept["/dashboards/lonecore-safe"] == before


@pytest.mark.parametrize(
    ("token", "fails_at", "said"),
    [
        ("wrong", "", "HTTP 401: "),
        (TOKEN, "datasources", "HTTP 500: "),
        (TOKEN, "alert-rules", "HTTP 500: "),
    ],
)
def test_what_grafana_refuses(
    python: Path, grafana: StandIn, tmp_path: Path, token: str, fails_at: str, said: str
) -> None:
    grafana.fails_at = fails_at
    done = provision(python, config(tmp_path, grafana.url, token))
    assert done.returncode == 1 and done.stdout == ""
    assert said in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert token not in done.stderr


def test_a_grafana_that_is_not_there(python: Path, tmp_path: Path) -> None:
    done = provision(python, config(tmp_path, "http://127.0.0.1:1"))
    assert done.returncode == 1 and "does not answer" in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_a_real_grafana(python: Path, tmp_path: Path) -> None:
    url, token = os.environ.get("GRAFANA_URL"), os.environ.get("GRAFANA_TOKEN")
    if not url or not token:
        pytest.skip("no real Grafana: set GRAFANA_URL and GRAFANA_TOKEN")
    path = config(tmp_path, url, token)
    for _ in range(2):
        done = provision(python, path)
        assert done.returncode == 0, done.stderr


def test_without_the_extra_and_with_too_little(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, "http://127.0.0.1:1")
    assert main(["provision", str(path)]) == 2
    assert "pip install 'lonecore[grafana]'" in capsys.readouterr().err
    for section in ("grafana", "influx"):
        text = path.read_text()
        begin = text.index(f"[{section}]")
        end = text.find("[", begin + 1)
        (tmp_path / "less.toml").write_text(text[:begin] + (text[end:] if end > 0 else ""))
        assert main(["provision", str(tmp_path / "less.toml")]) == 2
        assert f"[{section}] is missing" in capsys.readouterr().err


def test_a_data_source_for_each_kind_of_token() -> None:
    assert "secureJsonData" not in data_source("http://x", "b", "")
    assert data_source("http://x", "b", "t")["secureJsonData"] == {"httpHeaderValue1": "Token t"}
    one = data_source("http://x", "b/keep", "me:pass:word")
    assert one["secureJsonData"] == {"basicAuthPassword": "pass:word"}
    assert provision_command.FILES.is_dir()
