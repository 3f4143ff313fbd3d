"""Where the tasks of a sweep run: processes here, or the workers of a Dask cluster.

Both give the same results; only the order in which they come differs.
"""

import concurrent.futures
import contextlib
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final

from appliance.cold.errors import ApplianceError, one_line
from appliance.cold.sweep.task import Task, run_task

CONNECT_S: Final = 10

Done = tuple[Task, dict[str, Any]]


def run_here(tasks: Sequence[Task], workers: int) -> Iterator[Done]:
    """Each with its result, as they come. ApplianceError of the first that fails."""
    if not tasks:
        return
    spawn = multiprocessing.get_context("spawn")  # compiled code does not survive a fork
    pool = concurrent.futures.ProcessPoolExecutor(workers, spawn)
    try:
        # One alone: it compiles what all the others then find.
        with _deaf_to_ctrl_c():
            first = pool.submit(run_task, tasks[0])
        yield tasks[0], first.result()
        with _deaf_to_ctrl_c():
            futures = {pool.submit(run_task, task): task for task in tasks[1:]}
        for future in concurrent.futures.as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool:
        raise ApplianceError(
            "a worker died, perhaps for want of memory: try fewer --workers; what is done is kept"
        ) from None
    except BaseException:  # what still runs is not waited for
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Workers that start now do not hear it, from their first instruction on: we end them. It is
    raised when they have started; other threads of ours may hear it meanwhile."""
    heard: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
    if heard:
        raise KeyboardInterrupt


def run_on_dask(tasks: Sequence[Task], address: str) -> Iterator[Done]:
    """The same on a cluster, whose workers have this package and the files under the same names."""
    try:
        import distributed
    except ImportError:
        raise ApplianceError("--dask needs distributed: pip install 'lonecore[research]'") from None
    try:
        client = distributed.Client(address, timeout=CONNECT_S)
    except (OSError, ValueError, TypeError) as error:
        raise ApplianceError(f"--dask {address}: {one_line(str(error))}") from None
    with contextlib.closing(client):
        # A key of ours, and not pure: what is kept is kept in our file.
        futures = {client.submit(run_task, task, pure=False): task for task in tasks}
        try:
            for future in distributed.as_completed(list(futures)):
                try:
                    yield futures[future], future.result()
                except (distributed.KilledWorker, distributed.CancelledError) as error:
                    raise ApplianceError(f"--dask: {one_line(str(error))}") from None
        finally:
            client.cancel(list(futures))
