"""Playbooks of ansible/ against a machine, as an operator calls them."""

import contextlib
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.extra_environment import interpreter
from tests.vm.image import ROOT

ANSIBLE: Final = ROOT / "ansible"
PLAY_S: Final = 900
_HEADING: Final = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(.+?)\] \*+$")


@dataclass(frozen=True)
class Played:
    """How a playbook ended."""

    code: int
    out: str

    @property
    def changed(self) -> int:
        """Tasks that changed something."""
        found = re.search(r"^vm +: .*\bchanged=(\d+)", self.out, re.M)
        assert found, self.out[-3000:]
        return int(found[1])

    @property
    def changes(self) -> list[str]:
        """Their names, with the items of a loop."""
        told, heading = [], ""
        for line in self.out.splitlines():
            if (found := _HEADING.match(line)) is not None:
                heading = found[1]
            elif line.startswith("changed: [vm]"):
                item = re.search(r"=> \(item=(.*?)\)\s*(?:=>.*)?$", line)
                told.append(f"{heading} {item[1]}" if item else heading)
        return told


class Playbooks:
    """``inventory``: a file. What each said is kept beside it."""

    def __init__(self, inventory: Path) -> None:
        self._inventory = inventory
        self._bin = interpreter("ansible", make=True).parent
        self._played_n = 0

    def start(self, name: str, *more: str, plain: bool = False) -> "subprocess.Popen[str]":
        """``name``: of one or several, one after the other. ``more``: as on the command line.
        ``plain``: over ssh as Ansible has it; else by mitogen, which is what makes an emulated
        machine bearable."""
        environment = {
            "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOST_KEY_CHECKING": "False",  # a machine of a minute
            "ANSIBLE_DEPRECATION_WARNINGS": "False",
            "ANSIBLE_TIMEOUT": "120",
        }
        if not plain:
            (packages,) = self._bin.parent.glob("lib/python3.*/site-packages")
            plugins = packages / "ansible_mitogen/plugins/strategy"
            environment["ANSIBLE_STRATEGY_PLUGINS"] = str(plugins)
            environment["ANSIBLE_STRATEGY"] = "mitogen_linear"
        books = [ANSIBLE / "playbooks" / f"{one}.yml" for one in name.split()]
        return subprocess.Popen(
            [self._bin / "ansible-playbook", "-i", self._inventory, *books, *more],
            cwd=ANSIBLE,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def cut_off(self, name: str, at: str, *more: str) -> Played:
        """Killed at the first line with ``at``, as by a controller that is gone."""
        said = []
        with self.start(name, *more) as process:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if at in line:
                    break
            _end(process)
        out = "".join(said)
        self._keep(f"{name}-cut-off", out)
        assert at in said[-1], out[-6000:]
        return Played(process.returncode, out)

    def __call__(self, name: str, *more: str, code: int = 0, plain: bool = False) -> Played:
        """AssertionError: it did not end with ``code``."""
        began = time.monotonic()
        process = self.start(name, *more, plain=plain)
        try:
            out, _ = process.communicate(timeout=PLAY_S)
        finally:
            _end(process)
        self._keep(name, out)
        words = " ".join((name, *more))
        print(f"{words}: {process.returncode} in {time.monotonic() - began:.0f} s")
        assert process.returncode == code, out[-6000:]
        return Played(process.returncode, out)

    def _keep(self, name: str, out: str) -> None:
        self._played_n += 1
        file = f"{self._played_n:02}-{'-'.join(name.split())}.log"
        (self._inventory.parent / file).write_text(out)


def _end(process: "subprocess.Popen[str]") -> None:
    """With what mitogen leaves behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
