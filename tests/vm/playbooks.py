"""Playbooks of ansible/ against a machine, as an operator calls them."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.vm.image import ROOT, NotHere
from tests.vm.machine import Machine

ANSIBLE: Final = ROOT / "ansible"
ISOLATED: Final = "2-3"
PLAY_S: Final = 900

_INVENTORY: Final = """---
appliances:
  hosts:
    vm:
      ansible_host: 127.0.0.1
      ansible_port: {port}
      ansible_user: root
      ansible_ssh_private_key_file: {key}
      ansible_ssh_common_args: "{options}"
      host_tuning_isolated_cpus: "{isolated}"
      host_tuning_hugepages: 8
"""


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


class Playbooks:
    def __init__(self, machine: Machine) -> None:
        self._inventory = machine.folder / "hosts.yml"
        options = " ".join(machine.ssh_options[2:])
        self._inventory.write_text(
            _INVENTORY.format(
                port=machine.port, key=machine.key, options=options, isolated=ISOLATED
            )
        )

    def __call__(self, name: str, *more: str, code: int = 0) -> Played:
        """``more``: as on the command line. AssertionError: it did not end with ``code``."""
        program = shutil.which("ansible-playbook", path=_path())
        if program is None:
            raise NotHere("pip install ansible-core, into build/ansible-venv or where PATH leads")
        hidden = {"ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        hidden["ANSIBLE_HOST_KEY_CHECKING"] = "False"  # a machine of a minute
        done = subprocess.run(
            [program, "-i", self._inventory, ANSIBLE / "playbooks" / f"{name}.yml", *more],
            cwd=ANSIBLE,
            env=os.environ | hidden,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PLAY_S,
            check=False,
        )
        assert done.returncode == code, done.stdout[-4000:] + done.stderr[-2000:]
        return Played(done.returncode, done.stdout)


def _path() -> str:
    own = Path(ROOT / "build" / "ansible-venv" / "bin")
    return f"{own}{os.pathsep}{os.environ.get('PATH', '')}"
