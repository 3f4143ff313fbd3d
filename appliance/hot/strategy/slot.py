"""Where the duty cycle finds the strategy.

``bind`` before duty_cycle.py is first compiled: Numba resolves the module attribute then, so the
call is direct and inlines, and it caches (a function passed as an argument would do neither).
The compile cache is keyed by the strategy's source, so another strategy means other machine code.
"""

from collections.abc import Callable
from typing import Any

from appliance.hot.jit import hot


def _idle(view, own, params, state, orders):  # type: ignore[no-untyped-def]
    """Never trades."""


on_market: Any = hot(_idle)


def bind(function: Callable[..., None]) -> None:
    """Cold: make ``function`` the strategy of this process, before the loop is compiled.

    RuntimeError if another one is bound: a loop that was compiled with it would go on calling it.
    """
    global on_market, _bound  # noqa: PLW0603 - the one binding that there is
    if _bound is function:
        return
    if _bound is not None:
        raise RuntimeError("a process has one strategy: start another process for another one")
    _bound = function
    on_market = hot(function)


_bound: Callable[..., None] | None = None
