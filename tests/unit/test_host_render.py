"""The files of a profile (appliance.cold.host.render, appliance.cold.host.texts), and the manual
that is made from it (appliance.cold.host.manual)."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.cold.host import manual
from appliance.cold.host.profile import Cores, load
from appliance.cold.host.render import Files, cmdline_of, files_of, listed, main, write

ROOT = Path(__file__).resolve().parents[2]
CORES = Cores(frozenset({2, 3}), frozenset({0, 1}), hugepages=64)


def files(name: str, cores: Cores = CORES) -> Files:
    return files_of(load(name), cores)


def test_the_manual_is_that_of_the_profiles() -> None:
    assert (ROOT / "kernel-tuning" / "README.md").read_text(encoding="utf-8") == manual.text()


def test_with_nothing_installed(tmp_path: Path) -> None:
    """As a controller calls it: no site-packages at all."""
    code = "import sys; sys.path.insert(0, '.'); from appliance.cold.host import render"
    words = ["-S", "-I", "-c", f"{code}; sys.exit(render.main())"]
    cores = ["--isolated", "2-3", "--online", "0-3", "--hugepages", "64"]
    done = subprocess.run(
        [sys.executable, *words, *cores, "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = {str(p.relative_to(tmp_path)): p for p in tmp_path.rglob("*") if p.is_file()}
    assert {name: (p.stat().st_mode & 0o777, p.read_text()) for name, p in found.items()} == files(
        "low-latency"
    )
    wrong = subprocess.run(
        [sys.executable, *words, "--profile", "none", *cores, "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 2 and "no profile 'none'" in wrong.stderr


def test_the_command_line() -> None:
    options = cmdline_of(load("low-latency"), CORES).split()
    assert "isolcpus=managed_irq,domain,2-3" in options and "hugepages=64" in options
    assert "irqaffinity=0-1" in options and "nohz_full=2-3" in options
    assert not [word for word in options if "{" in word]
    without = cmdline_of(load("low-latency"), Cores(CORES.isolated, CORES.housekeeping))
    assert "hugepages" not in without
    assert cmdline_of(load("low-latency-runtime"), CORES) == ""


def test_the_two_ways_of_isolation() -> None:
    boot, runtime = files("low-latency"), files("low-latency-runtime")
    partition = "etc/systemd/system/lonecore-isolation.service"
    assert partition in runtime and partition not in boot
    slices = [one["etc/systemd/system/appliance.slice"][1] for one in (boot, runtime)]
    assert "AllowedCPUs" not in slices[0] and "AllowedCPUs=2-3" in slices[1]
    assert "etc/lonecore-host/cmdline" in boot and "etc/lonecore-host/cmdline" not in runtime


def test_what_a_rollback_looks_for_is_all_of_it() -> None:
    """The stock profile names every file, but for what lies in a folder of our own."""
    (gone,) = [one for one in load("stock").settings if one.id == "no_files"]
    for name in ("low-latency", "low-latency-runtime"):
        made = {f"/{path}" for path in files(name)}
        ours = "/etc/lonecore-host/"
        left = {path for path in made - set(gone.paths) if not path.startswith(ours)}
        assert left == set()


@pytest.mark.parametrize("name", ["low-latency", "low-latency-runtime"])
def test_files_are_filled_in_and_say_where_they_are_from(name: str) -> None:
    for path, (mode, text) in files(name).items():
        assert not re.search(r"\{\w+\}", text.replace("${", "")), path
        assert text.endswith("\n")
        is_script = text.startswith("#!")
        assert mode == (0o755 if is_script else 0o644), path
        if is_script:
            done = subprocess.run(["sh", "-n"], input=text, text=True, check=False)
            assert done.returncode == 0, path
    sysctl = files(name)["etc/sysctl.d/50-lonecore.conf"][1]
    assert (
        "rmem_max" not in sysctl
        and "-vm.stat_interval = 10\n" in sysctl
        and "-net.core.rps_default_mask = 3\n" in sysctl
    )


def test_the_script_keeps_what_was_there_and_puts_it_back(tmp_path: Path) -> None:
    """With the host's files replaced by some of ours."""
    _, script = files("low-latency")["etc/lonecore-host/tuning"]
    host = tmp_path / "host"
    script = re.sub(r"(?<![\w/])/(sys|proc|var)/", rf"{host}/\1/", script)
    before = {
        "sys/kernel/mm/transparent_hugepage/enabled": "always",
        "sys/devices/virtual/workqueue/cpumask": "f",
        "sys/devices/system/cpu/cpu2/cpufreq/scaling_governor": "schedutil",
        "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor": "performance",
        "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "0",
        "proc/irq/7/smp_affinity_list": "0-3",
        "proc/irq/default_smp_affinity": "f",
        "proc/sys/kernel/sched_rt_runtime_us": "950000",
        "proc/sys/net/core/rmem_max": "4194304",
        "proc/sys/net/core/wmem_max": "212992",
    }
    for name, text in before.items():
        (host / name).parent.mkdir(parents=True, exist_ok=True)
        (host / name).write_text(text)
    write({"tuning": (0o755, script)}, tmp_path)

    def now() -> dict[str, str]:
        return {name: (host / name).read_text() for name in before}

    def call(what: str) -> None:
        subprocess.run([tmp_path / "tuning", what], check=True)

    call("start")
    tuned = now()
    assert tuned["sys/devices/virtual/workqueue/cpumask"] == "3"
    assert tuned["sys/kernel/mm/transparent_hugepage/enabled"] == "never"
    assert tuned["sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"] == "64"
    assert tuned["proc/irq/7/smp_affinity_list"] == "0-1"
    assert tuned["sys/devices/system/cpu/cpu2/cpufreq/scaling_governor"] == "performance"
    sysctls = {name: tuned[f"proc/sys/net/core/{name}"] for name in ("rmem_max", "wmem_max")}
    assert sysctls == {"rmem_max": "4194304", "wmem_max": "2097152"}, "at least so much"
    kept = (host / "var/lib/lonecore-host/host-before").read_text().splitlines()
    assert kept[-1].endswith("sched_rt_runtime_us 950000"), "set first, put back last"
    call("start")
    assert now() == tuned, "a second time changes nothing, and forgets nothing"
    call("stop")
    assert now() == before
    call("stop")
    assert now() == before and not (host / "var/lib/lonecore-host/host-before").exists()
    wrong = subprocess.run([tmp_path / "tuning"], capture_output=True, check=False)
    assert wrong.returncode == 2


def test_what_a_tool_is_told() -> None:
    told = listed(load("low-latency"), CORES)
    assert {one["path"] for one in told["files"]} == set(files("low-latency"))
    assert "isolcpus=managed_irq,domain,2-3" in told["options"]
    assert told["services"] == ["lonecore-tuning.service", "lonecore-trial.timer"]
    with_more = listed(load("low-latency"), CORES, ["nosmt"])
    assert with_more["options"] == [*told["options"], "nosmt"]
    assert "apt-daily.timer" in told["masked"] and "tuned.service" not in told["masked"]
    assert "etc/lonecore-host" in told["folders"] and "etc/grub.d" not in told["folders"]
    runtime = listed(load("low-latency-runtime"), CORES)
    assert runtime["options"] == [] and len(runtime["services"]) == 2
    assert told["own"] == runtime["own"], "a rollback takes away whichever there was"
    assert {f"/{name}" for name in files("low-latency-runtime")} < set(told["own"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--isolated", "0"), "core 0 is the boot core"),
        (("--isolated", "9"), "there is no core 9"),
        (("--isolated", "1-3", "--siblings", "0,4;1,5"), "core 1 shares its hardware with 5"),
        (("--isolated", ""), "none: say which"),
        (("--isolated", "x"), "no list of CPUs"),
    ],
)
def test_cores_that_cannot_be(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--online", "0-5", "--list"]) == 2
    assert said in capsys.readouterr().err
