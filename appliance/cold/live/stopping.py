"""How a signal ends a run: at once while it starts, in good order while it trades."""

import asyncio
import atexit
import os
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopping:
    """``with Stopping() as stopping``, on the thread of the asyncio loop.

    Another thread has no signals; there it does nothing.
    """

    def __enter__(self) -> Self:
        self._before: dict[int, Any] = {}
        for number in _SIGNALS:
            before = signal.getsignal(number)
            if number == signal.SIGHUP and before == signal.SIG_IGN:
                continue  # nohup
            try:
                signal.signal(number, _end_at_once)
            except ValueError:
                break
            self._before[number] = before
        return self

    def hear(self, stop: Callable[[int], None]) -> None:
        """From now on a signal calls ``stop`` with its number, between two steps of the loop."""
        loop = asyncio.get_running_loop()
        for number in self._before:
            loop.add_signal_handler(number, stop, number)

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        for number, before in self._before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, before)


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    """No order is open yet. asyncio's own way would wait for the next ``await``.

    The compiler cannot be interrupted, nor can the rehearsal: their threads are left where they
    are, and Python must not tear down what they use while it ends.
    """
    atexit.register(os._exit, 128 + number)
    raise KeyboardInterrupt
