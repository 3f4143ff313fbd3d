"""Environments of their own for what does not fit beside the rest; under CI they are made."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]


def interpreter(name: str, *options: str, make: bool = bool(os.environ.get("CI"))) -> Path:
    """Python with what ``requirements/NAME.txt`` names. Where it is not there it is made, or else
    the test is skipped, and says how."""
    folder = ROOT / "build" / f"{name}-venv"
    requirements = ROOT / "requirements" / f"{name}.txt"
    binary, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists() and ready.read_text() == requirements.read_text():
        return binary
    words = ["-m", "pip", "install", "--quiet", *options, "--require-hashes", "-r", requirements]
    if not make:
        fill = " ".join(map(str, (binary, *words)))
        pytest.skip(
            f"no environment: python3 -m venv {folder} && {fill} && cp {requirements} {ready}"
        )
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / f"{name}-venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be making it
        if not ready.exists() or ready.read_text() != requirements.read_text():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            subprocess.run([binary, *words], check=True)
            ready.write_text(requirements.read_text())
    return binary
