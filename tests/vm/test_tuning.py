"""The host tuning on a machine that boots: put there, proven, put right after failures, taken away.

In order: each test goes on where the one before it has left the machine.
``make test-vm VM=tuning``.
"""

from pathlib import Path
from typing import Final

import pytest

from tests.vm.desk import ISOLATED, Desk
from tests.vm.guest import Guest
from tests.vm.playbooks import Playbooks

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]
REBOOT: Final = ("-e", "host_tuning_reboot_allowed=true")
TUNING: Final = ("-e", "rollback_what=tuning")
RUNTIME: Final = ("-e", "host_tuning_profile=low-latency-runtime")
RIGHT: Final = '\\"wrong\\": 0, \\"missing\\": 0, \\"unreadable\\": 0'


@pytest.fixture(scope="module")
def desk(guest: Guest, folder: Path) -> Desk:
    made = Desk(guest.machine, folder / "desk")
    guest.keep_baseline()
    return made


@pytest.fixture(scope="module")
def play(desk: Desk) -> Playbooks:
    return Playbooks(desk.inventory)


def cmdline(guest: Guest) -> str:
    return guest.machine.says("cat /proc/cmdline")


def test_what_cannot_work_is_refused_first(guest: Guest, play: Playbooks) -> None:
    """Cores that cannot be isolated: tests/unit/test_host_render.py."""
    told = play("tune", "-e", "host_tuning_hugepages=100000", *REBOOT, code=2)
    assert "at most half of its memory" in told.out and "othing was changed" in told.out
    guest.machine.says("mv /etc/grub.d/10_linux /etc/grub.d/10_gone")
    assert "'grub': 'no'" in play("tune", *REBOOT, code=2).out
    guest.machine.says("mv /etc/grub.d/10_gone /etc/grub.d/10_linux")
    guest.machine.says("systemd-run --quiet --unit=tuned sleep 600")
    assert "'tuned': 'yes'" in play("tune", *REBOOT, code=2).out
    guest.machine.says("systemctl stop tuned")
    assert guest.differences() == ""


def test_a_run_that_is_cut_off_is_gone_on_with(guest: Guest, play: Playbooks) -> None:
    """In the middle of the files; the next one does what is left, and no reboot without leave. All
    of them change what check mode has foretold, and nothing else."""
    foretold = play("tune", *REBOOT, "--check")
    assert guest.differences() == "", "and it changes nothing"
    begun = play.cut_off("tune", "item=etc/lonecore-host/cmdline")
    gone_on = play("tune")
    assert "waits for a reboot" in gone_on.out and "isolcpus" not in cmdline(guest)
    booted = play("tune", *REBOOT)
    assert "isolcpus=managed_irq,domain,2-3" in cmdline(guest)
    parts = (begun, gone_on, booted)
    assert all(part.changes for part in parts)
    assert {name for part in parts for name in part.changes} == set(foretold.changes)


def test_the_second_run_changes_nothing(play: Playbooks) -> None:
    assert play("tune", *REBOOT).changed == 0


def test_every_knob_is_read_back(play: Playbooks) -> None:
    """Those that this machine can have, behaviour among them. Over ssh as Ansible has it."""
    told = play("verify", "--tags", "tuning", plain=True)
    assert RIGHT in told.out
    assert told.changed == 0


def test_an_isolated_core_has_no_ticks(guest: Guest) -> None:
    assert guest.ticks_per_s(3) < 1
    assert guest.ticks_per_s(1) > 200


def test_a_rollback_leaves_the_host_as_it_was(guest: Guest, play: Playbooks) -> None:
    foretold = play("rollback", *TUNING, *REBOOT, "--check")
    assert "isolcpus" in cmdline(guest)
    done = play("rollback", *TUNING, *REBOOT)
    assert done.changes == foretold.changes and done.changed > 0
    assert guest.differences() == "", "files, boot menu and command line, byte for byte"
    told = play("verify", "--tags", "tuning", "-e", "host_tuning_audited=stock")
    assert '\\"wrong\\": 0' in told.out
    assert play("rollback", *TUNING, *REBOOT).changed == 0
    assert "rollback_what=release" in play("rollback", code=2).out


def test_a_host_that_may_not_reboot(guest: Guest, play: Playbooks) -> None:
    """Its cores are a partition of their own while it runs; it is as before without a boot, too."""
    boot = guest.machine.says("cat /proc/sys/kernel/random/boot_id")
    foretold = play("tune", *RUNTIME, "--check")
    done = play("tune", *RUNTIME)
    assert done.changes == foretold.changes and done.changed > 5
    assert play("tune", *RUNTIME).changed == 0
    assert guest.machine.says("cat /sys/fs/cgroup/cpuset.cpus.isolated") == ISOLATED
    told = play("verify", "--tags", "tuning", *RUNTIME)
    assert RIGHT in told.out
    assert play("rollback", *TUNING, *RUNTIME).changed > 0
    assert guest.differences() == ""
    assert guest.machine.says("cat /sys/fs/cgroup/cpuset.cpus.isolated") == ""
    assert guest.machine.says("cat /proc/sys/kernel/random/boot_id") == boot


def test_a_tuning_that_cannot_boot_falls_back(guest: Guest, play: Playbooks) -> None:
    """No root file system: the host comes back by itself on what it always booted."""
    broken = '{"host_tuning_options": ["root=/dev/nowhere"]}'
    told = play("tune", "-e", broken, *REBOOT, code=2)
    assert "did not come up with the tuning" in told.out
    assert "isolcpus" not in cmdline(guest)
    assert "/dev/nowhere does not exist" in guest.machine.serial.read_text(errors="replace")
    assert play("rollback", *TUNING).changed > 0
    assert guest.differences() == ""
