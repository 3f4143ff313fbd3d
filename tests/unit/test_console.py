"""The console of a run: drawn where somebody looks, and nowhere else."""

import io
from pathlib import Path

from rich.console import Console

from appliance.cold.console import LiveConsole
from appliance.cold.replay_command import Screen
from appliance.cold.telemetry_region import TelemetryRegion


def test_without_a_terminal_nothing_is_drawn_or_opened(tmp_path: Path) -> None:
    with LiveConsole(Screen(quiet=True)) as console:
        console.look(tmp_path / "there is no such region")


def test_a_picture_of_the_region(tmp_path: Path) -> None:
    screen, shown = Screen(quiet=False), io.StringIO()
    screen.console = Console(file=shown, force_terminal=True, width=120, height=40)
    screen.progress.disable = False
    region = TelemetryRegion.create(
        "console", mode="demo", strategy="idle", cycles=(1, 0), directory=tmp_path
    )
    try:
        with LiveConsole(screen) as console:
            console.look(region.path)
            first = shown.getvalue()
            assert "console" in first and "Ctrl-C ends" in first
            console.look(region.path)
            assert shown.getvalue() == first, "not more often than four times a second"
    finally:
        region.close()
