"""What a desk copies to begin with, and what stands in the playbooks: each example starts a run."""

import re
from pathlib import Path

import pytest

from appliance.cold import run_config
from appliance.cold.command_line import build_parser
from appliance.cold.host.cpus import parse_list
from appliance.cold.risk_file import RiskFile
from sidecar.grafana.alert_rules import RULES

ANSIBLE = Path(__file__).resolve().parents[2] / "ansible"
RUNS = sorted(ANSIBLE.glob("inventories/*/runs/*/run.toml"))
UNITS = sorted(ANSIBLE.glob("roles/*/files/*.service"))


@pytest.mark.parametrize("path", RUNS, ids=lambda p: p.parent.name)
def test_an_example_is_a_run(path: Path) -> None:
    config = run_config.load(path)
    name = path.parent.name
    assert config.name == name and config.mode == "live" and config.values["testnet"]
    risk = config.file("risk.file")
    assert risk is not None and RiskFile.read(risk).missing(config.symbols) == []
    assert config.text("journal.folder") == f"/var/lib/lonecore/{name}/journal"
    hosts = (path.parents[2] / "hosts.yml").read_text()
    (cores,) = re.findall(r'isolated_cpus: "(.+)"', hosts)
    assert config.values["host.core"] in parse_list(cores)
    assert re.search(rf"appliance_runs: \[.*\b{name}\b", hosts), "somebody runs it"


def test_runs_of_one_host_share_neither_core_nor_symbol() -> None:
    text = (ANSIBLE / "inventories/several/hosts.yml").read_text()
    for names in re.findall(r"appliance_runs: \[(.+)\]", text):
        made = [
            run_config.load(ANSIBLE / f"inventories/several/runs/{name}/run.toml")
            for name in names.split(", ")
        ]
        assert len({config.values["host.core"] for config in made}) == len(made)
        assert len({s for config in made for s in config.symbols}) == len(made)


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_a_unit_starts_what_there_is(path: Path) -> None:
    text = path.read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("ExecStart="))
    program, *words = line.partition("=")[2].replace("%i", "spot-1").split()
    assert program.startswith("/opt/lonecore/current/release/bin/")
    if program.endswith("/appliance"):
        assert build_parser().parse_args(words).command == words[0]
    assert "LoadCredential=" in text and "NoNewPrivileges=yes" in text


def test_the_guardian_is_no_part_of_what_it_guards() -> None:
    (path,) = (path for path in UNITS if "guard" in path.name)
    text = path.read_text()
    assert "Restart=always" in text and "PartOf=" not in text and "BindsTo=" not in text


def test_compiled_code_may_be_made_and_the_loop_may_place_itself() -> None:
    """What would stop it, measured on a host, must stay out of its unit."""
    (path,) = (path for path in UNITS if "appliance@" in path.name)
    keys = {line.partition("=")[0] for line in path.read_text().splitlines()}
    assert not keys & {
        *("MemoryDenyWriteExecute", "RestrictRealtime", "PrivateDevices", "RemoveIPC"),
        *("CPUSchedulingPolicy", "CPUSchedulingResetOnFork", "CPUAffinity"),
    }
    assert {"LimitRTPRIO", "LimitMEMLOCK", "DeviceAllow", "CacheDirectory"} <= keys


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.uid)
def test_the_runbook_has_every_alert(rule) -> None:
    text = (ANSIBLE / "RUNBOOK.md").read_text()
    assert f"### {rule.title} (`{rule.uid}`)" in text
