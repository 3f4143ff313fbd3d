"""The trial boot's script (appliance.cold.host.texts), with GRUB's tools replaced by small ones.

They keep lines of name=value, as grub-editenv does.
"""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.cold.host.profile import Cores, load
from appliance.cold.host.render import files_of, main

CORES = Cores(frozenset({2, 3}), frozenset({0, 1}))
ENTRY = "lonecore-6.12-amd64-advanced-abc"
PLAIN_LINE = "BOOT_IMAGE=/vmlinuz root=UUID=1 ro quiet"

# grub-editenv FILE list | set a=b c=d | unset a b; "-" is the usual file.
EDITENV = """#!/bin/sh
shift; file=$ROOT/boot/grub/grubenv; verb=$1; shift
[ "$verb" = list ] || : >> "$file"
case $verb in
list) [ ! -e "$file" ] || cat "$file" ;;
set) for word; do
    grep -v "^${word%%=*}=" "$file" > "$file.new" || :; echo "$word" >> "$file.new"
    mv "$file.new" "$file"; done ;;
unset) for word; do
    grep -v "^$word=" "$file" > "$file.new" || :; mv "$file.new" "$file"; done ;;
esac
"""


class Host:
    """A tree with the script in it; ``boot`` is what the firmware does next."""

    def __init__(self, root: Path) -> None:
        self.root = root
        made = files_of(load("low-latency"), CORES)
        _, text = made["etc/lonecore-host/trial"]
        self.put("trial", re.sub(r"(?<![\w/])/(etc|var|boot|proc)/", rf"{root}/\1/", text), 0o755)
        _, cmdline = made["etc/lonecore-host/cmdline"]
        self.put("etc/lonecore-host/cmdline", cmdline)
        self.options = cmdline.split('"')[1]
        self.put("boot/grub/grub.cfg", f"menuentry 'x' --id 'gnulinux'\nmenuentry 'y' '{ENTRY}'\n")
        self.put("proc/cmdline", PLAIN_LINE + "\n")
        self.put("etc/default/grub", "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX=\n")
        self.put("etc/default/grub.d/60-lonecore.cfg", "GRUB_DEFAULT=saved\n")
        self.put("bin/grub-editenv", EDITENV, 0o755)
        self.put("bin/systemctl", f'#!/bin/sh\necho "$@" >> {root}/called\n', 0o755)

    def put(self, name: str, text: str, mode: int = 0o644) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def call(self, verb: str, code: int = 0) -> str:
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            [self.root / "trial", verb],
            env={"PATH": path, "ROOT": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stderr

    @property
    def environment(self) -> dict[str, str]:
        file = self.root / "boot/grub/grubenv"
        lines = file.read_text().splitlines() if file.exists() else []
        return dict(line.split("=", 1) for line in lines)

    def boot(self) -> str:
        """The entry that it comes up with; next_entry is used up."""
        now = self.environment
        entry = now.pop("next_entry", "") or now.get("saved_entry", "0")
        if now:
            self.put("boot/grub/grubenv", "".join(f"{k}={v}\n" for k, v in now.items()))
        tuned = entry.startswith("lonecore-")
        self.put("proc/cmdline", f"{PLAIN_LINE} {self.options if tuned else ''}\n")
        return entry

    @property
    def rebooted(self) -> bool:
        return (self.root / "called").exists()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_trial_that_is_kept_and_ended(host: Host) -> None:
    host.call("arm")
    assert host.boot() == ENTRY
    host.call("keep")
    assert [host.boot(), host.boot()] == [ENTRY, ENTRY]
    host.call("due")
    assert not host.rebooted
    host.call("end")
    assert not (host.root / "boot/grub/grubenv").exists(), "there was none before"
    assert host.boot() == "0"


def test_the_plain_entry_once(host: Host) -> None:
    """To measure without the tuning what is tuned."""
    host.call("arm")
    host.boot()
    host.call("keep")
    host.call("once")
    assert [host.boot(), host.boot()] == ["0", ENTRY]
    assert not host.rebooted


def test_a_trial_that_does_not_come_up(host: Host) -> None:
    host.call("arm")
    assert [host.boot(), host.boot(), host.boot()] == [ENTRY, "0", "0"]
    host.call("due")
    assert not host.rebooted, "the plain entry may run for as long as it likes"
    assert "not the tuned entry" in host.call("keep", code=1)
    assert host.boot() == "0"


def test_a_trial_that_nobody_keeps(host: Host) -> None:
    host.call("arm")
    assert host.boot() == ENTRY
    host.call("due")
    assert host.rebooted and host.boot() == "0"
    (host.root / "called").unlink()
    host.call("due")
    assert not host.rebooted


def test_the_tuned_entry_booted_by_hand_is_no_trial(host: Host) -> None:
    host.put("proc/cmdline", f"{PLAIN_LINE} {host.options}\n")
    host.call("due")
    assert not host.rebooted


def by_index(host: Host) -> None:
    host.put("etc/default/grub.d/50-desk.cfg", "GRUB_DEFAULT='1>2'\n")


def by_memory(host: Host) -> None:
    host.put("etc/default/grub", "GRUB_DEFAULT=saved\n")
    host.put("boot/grub/grubenv", "saved_entry=gnulinux-old\nother=1\n")


@pytest.mark.parametrize(
    ("before", "entry"), [(by_index, "1>2"), (by_memory, "gnulinux-old")], ids=["index", "memory"]
)
def test_a_host_that_booted_something_else(
    host: Host, before: Callable[[Host], None], entry: str
) -> None:
    """The fallback is what it always booted, not the first entry; a second trial keeps that."""
    before(host)
    was = host.environment
    for _ in range(2):
        host.call("arm")
        assert [host.boot(), host.boot()] == [ENTRY, entry]
    host.call("arm")
    host.boot()
    host.call("keep")
    host.call("end")
    assert host.environment == was
    host.call("end")
    assert host.environment == was, "and once more changes nothing"


def test_no_tuned_entry(host: Host) -> None:
    host.put("boot/grub/grub.cfg", "menuentry 'x'\n")
    assert "no tuned entry" in host.call("arm", code=1)
    assert host.environment == {}
    assert "usage" in host.call("", code=2)


@pytest.mark.parametrize("text", ["$(reboot)", 'a"b', "a;b", "a'b", "`x`", "a\\b"])
def test_options_go_into_a_shell_and_may_not_be_of_it(text: str, capsys) -> None:
    words = ["--isolated=2", "--online=0-3", f"--options=nosmt {text}", "--list"]
    assert main(words) == 2
    assert "is no option of a kernel" in capsys.readouterr().err
