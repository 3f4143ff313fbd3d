"""Whole numbers only: a price of 100.7 ticks must not become 100 in silence.

Assigning a float to an integer field compiles, and cuts it. ``whole`` does not compile for a float.
"""

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core.errors import TypingError
from numba.extending import lower_builtin, type_callable


def whole(value: Any) -> int:
    """``value``, which is an integer: checked when compiled, AttributeError uncompiled."""
    return int(value.__index__())


@type_callable(whole)
def _type_whole(context: Any) -> Callable[..., Any]:
    def typer(value: Any) -> Any:
        if not isinstance(value, types.Integer | types.IntegerLiteral | types.Boolean):
            # cold/strategy_source.py looks for these words
            raise TypingError(f"{value} is no whole number")
        return types.int64(value)

    return typer


@lower_builtin(whole, types.Any)
def _lower_whole(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return context.cast(builder, arguments[0], signature.args[0], types.int64)
