"""Threads for what blocks and has no time-out: nobody waits for them when the process ends.

The usual executor joins its threads at exit. Looking up a name may take minutes where the resolver
is down, and the compiler cannot be interrupted at all.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class LooseThreads(ThreadPoolExecutor):  # asyncio takes nothing else for its default
    """A thread for each call. How many there are is up to the callers, who pace themselves."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # told to whoever waits
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=work, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """There is nothing to wait for."""
