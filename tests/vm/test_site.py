"""The whole desk on a machine that boots: tuned, deployed, trading, upgraded, and all of it undone.

In order: each test goes on where the one before it has left the machine. ``make test-vm``.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from tests.vm import releases
from tests.vm.compiled import compiled, tree
from tests.vm.desk import CORE, ISOLATED, RUN, Desk, lent_run
from tests.vm.guest import APPLIANCE, UNITS, Guest
from tests.vm.playbooks import Playbooks

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]
REBOOT: Final = ("-e", "host_tuning_reboot_allowed=true")
ISOLCPUS: Final = f"isolcpus=managed_irq,domain,{ISOLATED}"
EXPOSURE_MAX: Final = 2.0
INFLUX: Final = {"url": "http://127.0.0.1:8086", "bucket": "lonecore", "api": "v1"}


@dataclass
class Made:
    """A release, and its compiled code for the machine."""

    release: releases.Release
    cache: Path

    @property
    def name(self) -> str:
        return self.release.name


@pytest.fixture(scope="module")
def making(folder: Path) -> Iterator["list[Future[Made]]"]:
    """Two of them, one after the other, while the machine boots and goes on."""
    root = folder / "compiled" / "tree"

    def make(of: Callable[[Path], releases.Release]) -> Made:
        release = of(folder / "releases")
        if not root.exists():
            tree(lent_run(folder / "lent"), root)
        return Made(release, compiled(release, root))

    with ThreadPoolExecutor(1) as pool:
        yield [pool.submit(make, of) for of in (releases.this, releases.following)]


@pytest.fixture(scope="module")
def desk(making: "list[Future[Made]]", guest: Guest, folder: Path) -> Desk:
    return Desk(guest.machine, folder / "desk")


@pytest.fixture(scope="module")
def play(desk: Desk) -> Playbooks:
    return Playbooks(desk.inventory)


@pytest.fixture(scope="module")
def first(making: "list[Future[Made]]", guest: Guest) -> Made:
    return _given(making[0], guest)


@pytest.fixture(scope="module")
def second(making: "list[Future[Made]]", guest: Guest) -> Made:
    return _given(making[1], guest)


def _given(making: "Future[Made]", guest: Guest) -> Made:
    made = making.result()
    guest.machine.send(made.cache, "/var/cache/lonecore")
    return made


@pytest.mark.usefixtures("making")  # it begins with the machine, and is long about it
def test_the_host_is_tuned(guest: Guest, play: Playbooks) -> None:
    """It boots into it, and what it boots stays so. From here on a core a thread: what spins must
    not stop the rest."""
    assert play("tune", *REBOOT).changed > 5
    guest.machine.restart("multi")
    assert ISOLCPUS in guest.machine.says("cat /proc/cmdline")


def test_the_desk_is_deployed(guest: Guest, desk: Desk, play: Playbooks, first: Made) -> None:
    """The whole site, with a run and its key, onto a host that has been tuned."""
    root = first.cache.parents[2]
    own, others = (root / place.lstrip("/") for place in reversed(first.release.archives))
    (site,) = own.glob(f"{first.name}/lib/python3.*/site-packages")
    key = guest.start_venue(site, others / first.release.packages)
    desk.say(
        appliance_runs=[RUN],
        appliance_credentials={RUN: key},
        appliance_archive=str(first.release.archive),
        sidecar_influx=INFLUX,
        monitoring_influxdb="package",
        monitoring_influxdb_package="influxdb",
        monitoring_influx=INFLUX,
        monitoring_packages=releases.influxdb(),
    )
    foretold = play("site", *REBOOT, "--check")
    done = play("site", *REBOOT)
    assert done.changes == foretold.changes and done.changed > 10
    assert guest.release() == first.name
    assert guest.status()["trades"]


def test_three_services_work(guest: Guest) -> None:
    for unit in UNITS:
        assert guest.machine.says(f"systemctl is-active {unit}") == "active"
    guest.wait(lambda: guest.journal()["day"]["fills"] > 0, "a fill")
    guest.wait(
        lambda: bool(guest.query("SELECT count(up) FROM lc_hb")), "telemetry in the database"
    )


def test_they_are_shut_in_and_still_may_what_they_must(guest: Guest) -> None:
    exposures = {unit: guest.exposure(unit) for unit in UNITS}
    print(exposures)
    assert all(value <= EXPOSURE_MAX for value in exposures.values())
    pid = guest.machine.says(f"systemctl show -P MainPID {UNITS[0]}")
    threads = guest.machine.says(f"ps -L -o cls,rtprio,psr -p {pid} --no-headers").splitlines()
    hot = [line.split() for line in threads if line.split()[0] == "FF"]
    assert hot == [["FF", "80", str(CORE)]], "the loop's thread, and no other"
    others = {line.split()[2] for line in threads if line.split()[0] != "FF"}
    assert others <= {"0", "1"}
    locked_kb = guest.machine.says(f"awk '/^VmLck/ {{print $2}}' /proc/{pid}/status")
    assert int(locked_kb) > 100_000
    assert "/dev/hugepages/appliance/" in guest.machine.says(f"cat /proc/{pid}/maps")
    assert "/dev/cpu_dma_latency" in guest.machine.says(f"ls -l /proc/{pid}/fd")


def test_whoever_waits_for_the_kernel_on_the_loops_core_gets_it(guest: Guest) -> None:
    """As update-grub does, and much else: one turn of a worker on each core. Without a fair server
    they would wait until the loop ends."""
    guest.machine.says("cat /proc/sys/vm/stat_refresh", timeout_s=300)


def test_the_second_run_changes_nothing_and_verify_says_so(play: Playbooks) -> None:
    told = play("site verify", *REBOOT)
    assert told.changed == 0 and f"{RUN}: trading" in told.out


def test_an_upgrade_under_load_leaves_no_order_unknown(
    guest: Guest, desk: Desk, play: Playbooks, first: Made, second: Made
) -> None:
    """Its first play is cut off when the run is drained; the second finds what it has left."""
    before = guest.journal()
    desk.say(appliance_archive=str(second.release.archive))
    play.cut_off("deploy", "TASK [appliance : Wait until nothing is open]")
    assert not guest.status()["trades"] and guest.release() == first.name
    play("deploy")
    assert guest.release() == second.name
    guest.wait(lambda: guest.status()["trades"], "trading")
    after = guest.journal()
    assert after["sequence"] > before["sequence"] and after["lost_records"] == 0
    assert not [one for one in after["open_orders"] if one["state"] == "UNKNOWN"]
    guest.machine.says(f"{APPLIANCE} halt {RUN} --cancel-all --within 30")
    guest.wait(lambda: guest.status()["open_orders"] == 0, "no open order")
    guest.journal("--verify")
    rows = guest.journal()["positions"]
    held = {row["symbol"]: Decimal(row["position"]) for row in rows}
    assert held == guest.traded_at_venue()
    guest.machine.says(f"{APPLIANCE} resume {RUN} --within 30 --reason 'counted'")


def test_back_to_the_release_before(guest: Guest, play: Playbooks, first: Made) -> None:
    foretold = play("rollback", "-e", "rollback_what=release", "--check")
    done = play("rollback", "-e", "rollback_what=release")
    assert done.changes == foretold.changes and done.changed > 0
    assert guest.release() == first.name
    guest.wait(lambda: guest.status()["trades"], "trading")
    told = play("rollback", "-e", "rollback_what=release")
    assert told.changed == 0 and "there is nothing before" in told.out


def test_no_figure_of_an_emulated_machine(guest: Guest) -> None:
    """``appliance bench`` knows what it runs on, and then shows none (tests/e2e)."""
    asked = "from appliance.cold.bench.facts import facts; print(facts(3, 1)['emulated'])"
    told = guest.machine.says(
        "systemd-run --wait --pipe --quiet --property=User=appliance"
        " --property=EnvironmentFile=/etc/lonecore/environment"
        f' /opt/lonecore/current/release/bin/python3 -c "{asked}"',
        timeout_s=300,
    )
    assert told == "True"


def test_back_to_the_host_before(guest: Guest, play: Playbooks) -> None:
    """Beside a run that trades. It does not start on a host that has lost its tuning."""
    done = play("rollback", "-e", "rollback_what=tuning")
    assert done.changed > 0 and "until its next boot" in done.out
    guest.machine.restart("single")
    assert "isolcpus" not in guest.machine.says("cat /proc/cmdline")
    checked = play("verify", "--tags", "tuning", "-e", "host_tuning_audited=stock")
    assert '\\"wrong\\": 0' in checked.out
    show = f"systemctl show -P ExecMainStatus {UNITS[0]}"
    guest.wait(lambda: guest.machine.says(show) == "1", "a refusal to start")
    told = guest.machine.says(f"journalctl -b -o cat -u {UNITS[0]}")
    assert f"isolcpus: nothing, not {CORE}: isolcpus=managed_irq,domain,{CORE} on the" in told
