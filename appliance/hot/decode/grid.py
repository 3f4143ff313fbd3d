"""Decimal texts to ticks and lots, exactly or not at all."""

from typing import Final

import numpy as np

from appliance.abi.units import E8, E8_DECIMALS
from appliance.hot.decode.digits import decimal
from appliance.hot.decode.vector import DOT, QUOTE, byte_at
from appliance.hot.jit import hot, hot_inline, out_of_line

OFF: Final = -1  # not exactly on the grid, out of range, or a text for the clerk

_WHOLE_DIGITS_MAX: Final = 18
_UNITS_MAX: Final = 1 << 62
_WHOLE_ODD_GRID_MAX: Final = 90_000_000_000  # x 10**8 still fits int64


@hot
def units_of(whole, fraction_e8, grid_e8):
    """(whole + fraction_e8 / 10**8) / (grid_e8 / 10**8) as an exact integer, or OFF.

    whole is at most 18 digits; no step overflows.
    """
    if grid_e8 <= 0:
        return np.int64(OFF)
    if E8 % grid_e8 == 0:  # grids of 1, 0.5, 0.01 ..
        per_one = E8 // grid_e8
        units = fraction_e8 // grid_e8
        if whole > (_UNITS_MAX - units) // per_one or units * grid_e8 != fraction_e8:
            return np.int64(OFF)
        return whole * per_one + units
    if grid_e8 % E8 == 0:  # 2, 10, 1000 ..
        ones = grid_e8 // E8
        units = whole // ones
        if fraction_e8 != 0 or units * ones != whole:
            return np.int64(OFF)
        return units
    if whole > _WHOLE_ODD_GRID_MAX:  # 0.3, 2.5 ..
        return np.int64(OFF)
    value_e8 = whole * E8 + fraction_e8
    units = value_e8 // grid_e8
    if units * grid_e8 != value_e8:
        return np.int64(OFF)
    return units


@hot
def long_units(text, at, grid_e8):
    """(units or OFF, length) of ``digits[.digits]"`` of any length that fits."""
    out_of_line()
    start = at
    whole = np.int64(0)
    c = byte_at(text, at)
    while 0x30 <= c <= 0x39:
        if at - start >= _WHOLE_DIGITS_MAX:
            return np.int64(OFF), np.int64(0)
        whole = whole * 10 + (c - 0x30)
        at += 1
        c = byte_at(text, at)
    if at == start:
        return np.int64(OFF), np.int64(0)
    fraction_e8 = np.int64(0)
    if c == DOT:
        at += 1
        point = at
        c = byte_at(text, at)
        while 0x30 <= c <= 0x39:
            place = at - point
            if place >= 20:
                return np.int64(OFF), np.int64(0)
            if place < E8_DECIMALS:
                fraction_e8 = fraction_e8 * 10 + (c - 0x30)
            elif c != 0x30:
                return np.int64(OFF), np.int64(0)
            at += 1
            c = byte_at(text, at)
        if at == point:
            return np.int64(OFF), np.int64(0)
        for _ in range(E8_DECIMALS - (at - point)):
            fraction_e8 *= 10
    if c != QUOTE:
        return np.int64(OFF), np.int64(0)
    return units_of(whole, fraction_e8, grid_e8), at - start


@hot_inline
def units_at(text, at, grid_e8):
    """(units or OFF, length of the text) of the decimal behind an opening quote at ``at - 1``."""
    value_e8, length = decimal(text, at)
    if length != 0:
        units = value_e8 // grid_e8 if grid_e8 > 0 else np.int64(0)
        if units * grid_e8 == value_e8:
            return units, length
        return np.int64(OFF), length
    return long_units(text, at, grid_e8)
