"""Copies: exactly the bytes asked for, by memcpy, without allocation."""

import numpy as np
import pytest

from appliance.abi.layout import records, slot_dtype
from appliance.hot.jit import JIT_DISABLED, hot
from appliance.hot.memory import copy_bytes, copy_record

RECORD = slot_dtype([("a", "<i8"), ("b", "<i8", (100,)), ("text", "u1", (40,))])


@hot
def copy_span(target, target_start, source, source_start, count):
    copy_bytes(target, target_start, source, source_start, count)


@hot
def copy_one(target, target_index, source, source_index):
    copy_record(target, target_index, source, source_index)


@pytest.mark.parametrize("count", [-3, 0, 1, 7, 64, 99, 100])
def test_copy_bytes_copies_its_range_and_no_more(count):
    source = np.random.default_rng(1).integers(0, 256, 300).astype(np.uint8)
    target = np.full(200, 7, np.uint8)
    wanted = target.tolist()
    wanted[50 : 50 + max(count, 0)] = source[120 : 120 + max(count, 0)].tolist()
    copy_span(target, 50, source, 120, count)
    assert target.tolist() == wanted


def test_copy_bytes_reads_a_read_only_source():
    target = np.zeros(4, np.uint8)
    copy_span(target, 0, np.frombuffer(b"abcd", np.uint8), 0, 4)
    assert target.tobytes() == b"abcd"


def test_copy_record_copies_every_field_of_one_record():
    rng = np.random.default_rng(2)
    source = records(3, RECORD)
    source.a = rng.integers(-(2**60), 2**60, 3)
    source.b = rng.integers(-(2**60), 2**60, (3, 100))
    source.text = rng.integers(0, 256, (3, 40))
    target = records(4, RECORD)
    copy_one(target, 2, source, 1)
    assert [target[2][name].tolist() for name in RECORD.names] == [
        source[1][name].tolist() for name in RECORD.names
    ]
    assert not target[:2].tobytes().strip(b"\0") and not target[3:].tobytes().strip(b"\0")


@pytest.mark.skipif(JIT_DISABLED, reason="nothing is compiled")
def test_compiled_copies_are_memcpy_and_allocate_nothing():
    copy_one(records(1, RECORD), 0, records(1, RECORD), 0)
    for function in (copy_one,):
        code = function.inspect_llvm(function.signatures[0])
        assert "llvm.memcpy" in code and "NRT_Allocate" not in code


@pytest.mark.skipif(JIT_DISABLED, reason="uncompiled code has no types to refuse")
def test_records_of_another_layout_do_not_compile():
    other = slot_dtype([("a", "<i8")])
    with pytest.raises(Exception, match="copy_record"):
        copy_one(records(1, RECORD), 0, records(1, other), 0)
