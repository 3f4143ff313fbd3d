"""A machine for each file of tests. What is missing for it is said, loudly, and fails."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vm.guest import Guest
from tests.vm.machine import Machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vm")


@pytest.fixture(scope="module")
def guest(folder: Path) -> Iterator[Guest]:
    machine = Machine(folder / "machine")
    machine.folder.mkdir()
    with machine:
        try:
            yield Guest(machine)
        finally:
            shutil.copy(machine.serial, folder)
