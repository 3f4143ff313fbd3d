"""The live console of a run, in the process that runs: a picture of its telemetry region."""

import time
from pathlib import Path
from typing import Any, Final

from rich.live import Live

from appliance.abi import region
from appliance.cold.replay_command import Screen

PICTURES_PER_S: Final = 4


class LiveConsole:
    """``with LiveConsole(screen) as console``, then ``look`` as often as you like.

    Sees the region as another process would. Without a terminal it shows nothing.
    """

    def __init__(self, screen: Screen) -> None:
        self._view: Any = None
        self._previous: dict[str, Any] | None = None
        self._due_s = 0.0
        self._live: Live | None = None
        if not screen.progress.disable:
            self._live = Live(
                console=screen.console, refresh_per_second=PICTURES_PER_S, screen=True
            )

    def __enter__(self) -> "LiveConsole":
        return self

    def look(self, path: Path) -> None:
        """Draw the region at ``path`` if a picture is due."""
        if self._live is None or time.monotonic() < self._due_s:
            return
        from appliance.cold import top_view
        from appliance.cold.snapshot import snapshot

        self._due_s = time.monotonic() + 1.0 / PICTURES_PER_S
        if self._view is None:
            self._view = region.attach(path)
            self._live.start()
        now = snapshot(self._view)
        size = self._live.console.size
        picture = top_view.render(now, self._previous, size.width, size.height, note="Ctrl-C ends")
        self._live.update(picture, refresh=True)
        self._previous = now

    def __exit__(self, *_: object) -> None:
        if self._view is not None:
            assert self._live is not None
            self._live.stop()
            self._view.close()
