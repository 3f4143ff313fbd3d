"""ansible/ by Ansible's own tools: its linter's strictest profile, and each playbook's syntax."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.extra_environment import interpreter
from tests.tidy.source import ROOT

ANSIBLE = ROOT / "ansible"
PLAYBOOKS = sorted(path.name for path in (ANSIBLE / "playbooks").glob("*.yml"))


@pytest.fixture(scope="module")
def tools() -> Path:
    return interpreter("ansible").parent


def call(tools: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [tools / str(words[0]), *map(str, words[1:])],
        cwd=ANSIBLE,
        env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_linter_in_its_production_profile(tools: Path) -> None:
    done = call(tools, "ansible-lint", "--offline", "--nocolor", "--profile", "production", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failure(s), 0 warning(s)" in done.stderr


@pytest.mark.parametrize("name", PLAYBOOKS)
@pytest.mark.parametrize("inventory", ["one", "several"])
def test_the_syntax_of_each_playbook(tools: Path, name: str, inventory: str) -> None:
    done = call(
        tools,
        *("ansible-playbook", "--syntax-check", "-i", f"inventories/{inventory}/hosts.yml"),
        f"playbooks/{name}",
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stdout + done.stderr


def test_only_what_comes_with_ansible_is_used() -> None:
    for path in ANSIBLE.glob("**/*.yml"):
        for line in path.read_text().splitlines():
            module = line.strip().removeprefix("- ").partition(":")[0]
            if module.count(".") == 2 and module.replace(".", "").replace("_", "").isalpha():
                assert module.startswith("ansible.builtin."), f"{path.name}: {module}"


def test_every_variable_of_a_role_is_explained_and_typed() -> None:
    """The defaults are the manual: each variable there, each in the argument specs."""
    for role in (ANSIBLE / "roles").iterdir():
        defaults = (role / "defaults/main.yml").read_text().splitlines()
        names = {line.partition(":")[0] for line in defaults if line.startswith(role.name)}
        specs = (role / "meta/argument_specs.yml").read_text()
        typed = {line.strip()[:-1] for line in specs.splitlines() if role.name in line}
        assert names == {name for name in typed if name.startswith(f"{role.name}_")}, role.name
