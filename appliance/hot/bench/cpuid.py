"""Who emulates this processor, by its own word: CPUID leaf 0x40000000 (Intel and AMD leave it to
hypervisors; KVM, Hyper-V, VMware, Xen and QEMU's own emulator name themselves there).

Plain Python here is the twin that runs uncompiled: it does not know.
"""

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from llvmlite.binding import get_process_triple, initialize_native_asmparser
from numba import types
from numba.extending import lower_builtin, type_callable

from appliance.hot.jit import hot

HYPERVISOR_LEAF: Final = 0x4000_0000
IS_HYPERVISED: Final = 31  # bit of ECX of leaf 1
_IS_X86: Final = get_process_triple().startswith(("x86_64", "i686", "i386"))
_REGISTERS: Final = 4

initialize_native_asmparser()  # without it LLVM takes no instruction as text


def cpuid(leaf: int, register: int) -> int:
    """EAX, EBX, ECX or EDX (0 to 3) of a leaf; 0 where there is no such instruction."""
    return 0


@type_callable(cpuid)
def _type_cpuid(context: Any) -> Callable[..., Any]:
    def typer(leaf: Any, register: Any) -> Any:
        return types.int64(leaf, register)

    return typer


@lower_builtin(cpuid, types.Integer, types.Integer)
def _lower_cpuid(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    word, half = ir.IntType(64), ir.IntType(32)
    if not _IS_X86:
        return word(0)
    leaf = context.cast(builder, arguments[0], signature.args[0], types.int64)
    wanted = context.cast(builder, arguments[1], signature.args[1], types.int64)
    answer = ir.LiteralStructType([half] * _REGISTERS)
    code = ir.InlineAsm(
        ir.FunctionType(answer, [half, half]),
        "cpuid",
        "={eax},={ebx},={ecx},={edx},{eax},{ecx}",
        side_effect=True,
    )
    registers = builder.call(code, [builder.trunc(leaf, half), half(0)])
    found = word(0)
    for n in range(_REGISTERS):
        value = builder.zext(builder.extract_value(registers, n), word)
        is_it = builder.icmp_unsigned("==", wanted, word(n))
        found = builder.select(is_it, value, found)
    return found


@hot
def register_of(leaf, register):
    """``cpuid`` for callers in ordinary Python."""
    return cpuid(leaf, register)
