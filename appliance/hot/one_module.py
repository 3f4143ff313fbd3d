"""Compiles the loop as one LLVM module: each function is optimised once, where it ends up.

Numba compiles every function to be complete by itself: with an entry for Python and one for C, with
all that it calls inlined, as machine code. A loop of 250 functions that call each other is thereby
optimised and emitted over and over. Here a function has two faces:

``Entry``   what Python calls: a dispatcher as Numba makes them, entries, cache and all. It sends
            compiled callers to its
``Called``  the same function as part of its callers: simplified by itself, then linked into them.

So machine code exists for what Python calls, and for nothing else. The loop starts in a third of
the time, and runs no slower: LLVM sees the same code, all of it at once.

This builds on parts of Numba that are not documented. It is for the version that KNOWN_NUMBA names,
which pyproject.toml pins; jit.py leaves it out with any other (tests/unit/test_jit.py).
"""

from typing import Any, Final

from numba import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, Flags
from numba.core.registry import CPUDispatcher

KNOWN_NUMBA: Final = "0.68.1"


class QuickFlags(Flags):  # type: ignore[misc]
    """Numba's flags of a function, quick to compare.

    Numba does so 100,000 times for one loop, option by option: a twelfth of the start.
    """

    def __eq__(self, other: object) -> bool:
        if isinstance(other, QuickFlags) and self._values == other._values:
            return True
        return bool(super().__eq__(other))

    def __hash__(self) -> int:
        return _FLAGS_HASH


_FLAGS_HASH: Final = hash(Flags())


class _EntryLibrary(JITCodeLibrary):
    def _optimize_final_module(self) -> None:
        # Numba first runs a cheap round for the sake of reference counts. We have none, and the
        # round makes the code larger before the inliner judges it.
        passes, builder = self._codegen._module_pass_manager()
        passes.run(self._final_module, builder)


class _CalledLibrary(JITCodeLibrary):
    """Is linked into the libraries of its callers, and optimised and emitted there."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalized = True


class _EntryPipeline(Compiler):
    library_class: type[JITCodeLibrary] = _EntryLibrary

    def __init__(
        self,
        typing_context: Any,
        target_context: Any,
        _library: Any,
        arguments: Any,
        return_type: Any,
        flags: Flags,
        local_types: Any,
    ) -> None:
        library = self.library_class(target_context.codegen(), self.library_class.__name__)
        library.enable_object_caching()
        quick = QuickFlags()
        quick._values.update(flags._values)
        super().__init__(
            typing_context, target_context, library, arguments, return_type, quick, local_types
        )


class _CalledPipeline(_EntryPipeline):
    library_class = _CalledLibrary

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        flags = self.state.flags
        flags.no_compile = True  # no address: nobody could call it from outside
        flags.no_cpython_wrapper = True
        flags.no_cfunc_wrapper = True


class Called(CPUDispatcher):
    """A function as compiled callers see it. Python cannot call it."""

    def add_overload(self, result: Any) -> None:
        # Numba knows a compiled function by its entry for Python. There is none: by this instead.
        entry = object()
        self.targetctx.insert_user_function(entry, result.fndesc, [result.library])
        self.overloads[tuple(result.signature.args)] = result._replace(entry_point=entry)


def _plain(kind: Any) -> Any:
    """The type of an argument as the function sees it: a number is any number.

    Numba would compile a function once more for each constant and each enumeration that it is
    called with, a tenth of the start. Constants find their way into inlined code in any case.
    """
    kind = types.unliteral(kind)
    return kind.dtype if isinstance(kind, types.IntEnumMember) else kind


class Entry(CPUDispatcher):
    """A function as Python sees it."""

    def __init__(
        self,
        py_func: Any,
        locals: Any = None,  # noqa: A002 - as Numba names it
        targetoptions: Any = None,
        pipeline_class: Any = _EntryPipeline,
    ) -> None:
        super().__init__(py_func, locals, targetoptions, pipeline_class)
        self.called = Called(py_func, locals, targetoptions, _CalledPipeline)

    def get_call_template(self, args: Any, kws: Any) -> Any:
        plain = {name: _plain(kind) for name, kind in kws.items()}
        return self.called.get_call_template(tuple(map(_plain, args)), plain)

    def get_overload(self, sig: Any) -> Any:
        return self.called.get_overload(sig)


def compile_later(function: Any, options: dict[str, Any]) -> Any:
    """What ``numba.njit(**options)(function)`` does, with the two faces."""
    options = {**options, "nopython": True}
    cache = options.pop("cache")
    entry = Entry(function, targetoptions=options)
    if cache:
        entry.enable_caching()
    return entry
