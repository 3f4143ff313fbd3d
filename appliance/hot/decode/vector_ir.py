"""Building blocks of the decoder's vector operations, as LLVM IR."""

from llvmlite import ir
from numba import types
from numba.core import cgutils

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))


def vector_of(element: ir.Type, count: int) -> ir.VectorType:
    return ir.VectorType(element, count)


def splat(element: ir.IntType, count: int, value: int) -> ir.Constant:
    return ir.Constant(vector_of(element, count), [value] * count)


def data_pointer(context, builder, array_type, array):  # type: ignore[no-untyped-def]
    """Where the items of an array begin, or of what ``vector.bare`` made of one."""
    if isinstance(array_type, types.CPointer):
        return array
    return cgutils.create_struct_proxy(array_type)(context, builder, value=array).data


def load(context, builder, array_type, array, at, count):  # type: ignore[no-untyped-def]
    """``count`` bytes of a uint8 array at ``at``, as a vector; no alignment, no bounds."""
    data = data_pointer(context, builder, array_type, array)
    pointer = builder.bitcast(builder.gep(data, [at]), vector_of(I8, count).as_pointer())
    loaded = builder.load(pointer)
    loaded.align = 1
    return loaded


def mask_of(builder, comparison, count):  # type: ignore[no-untyped-def]
    """Bit i of the result: lane i of the comparison holds."""
    bits = builder.bitcast(comparison, ir.IntType(count))
    return bits if count == 64 else builder.zext(bits, I64)


def call(builder, name, result, arguments):  # type: ignore[no-untyped-def]
    function_type = ir.FunctionType(result, [a.type for a in arguments])
    function = cgutils.get_or_insert_function(builder.module, function_type, name)
    return builder.call(function, arguments)
