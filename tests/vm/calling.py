"""Programs of this machine that the tests' machine is made with."""

import subprocess
from pathlib import Path


class NotHere(Exception):
    """This machine cannot build or run one; the text says what it wants."""


def call(
    *words: object, cwd: Path | None = None, text: str | None = None, timeout_s: float | None = None
) -> str:
    """What it prints. ``text``: what it reads. NotHere: it fails."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        input=text,
        text=True,
        capture_output=True,
        timeout=timeout_s,
        check=False,
    )
    if done.returncode:
        raise NotHere(f"{words[0]}: {(done.stderr.strip() or done.stdout.strip())[-1500:]}")
    return done.stdout
