"""Atomics: the same values as plain accesses, and real atomic instructions when compiled."""

import threading
from enum import IntEnum

import numpy as np
import pytest

from appliance.hot.atomics import fence, load_acquire, store_release
from appliance.hot.jit import JIT_DISABLED, hot

SPINS_MAX = 2_000_000_000


class Word(IntEnum):
    THIRD = 3


@hot
def move(words, source, target):
    value = load_acquire(words, source)
    fence()
    store_release(words, target, value + 1)
    return value


@hot
def move_third(words):
    store_release(words, 0, load_acquire(words, Word.THIRD))


@hot
def wait_until_set(words):
    for spins in range(SPINS_MAX):
        if load_acquire(words, 0) != 0:
            return spins
    return -1


def test_values_pass_through_unchanged():
    words = np.array([0, -5, 2**62, -(2**63)], np.int64)
    assert load_acquire(words, 1) == -5
    assert move(words, 2, 0) == 2**62
    assert words.tolist() == [2**62 + 1, -5, 2**62, -(2**63)]
    store_release(words, 1, 9)
    assert words[1] == 9
    assert fence() is None


def test_an_enum_member_is_an_index():
    words = np.arange(4, dtype=np.int64)
    move_third(words)
    assert words[0] == 3


def test_a_read_only_array_can_be_loaded():
    words = np.arange(4, dtype=np.int64)
    words.flags.writeable = False

    @hot
    def load(words):
        return load_acquire(words, 2)

    assert load(words) == 2


@pytest.mark.skipif(JIT_DISABLED, reason="uncompiled code has no types to refuse")
@pytest.mark.parametrize(
    "words",
    [np.zeros(4), np.zeros(4, np.int32), np.zeros((2, 2), np.int64), np.zeros(8, np.int64)[::2]],
)
def test_other_arrays_do_not_compile(words):
    @hot
    def load(words):
        return load_acquire(words, 0)

    with pytest.raises(Exception, match="load_acquire"):
        load(words)


@pytest.mark.skipif(JIT_DISABLED, reason="nothing is compiled")
def test_compiled_code_has_the_atomics_and_allocates_nothing():
    move(np.zeros(4, np.int64), 0, 1)
    (signature,) = move.signatures
    code = move.inspect_llvm(signature)
    assert "load atomic i64" in code and " acquire, align 8" in code
    assert "store atomic i64" in code and " release, align 8" in code
    assert "fence acq_rel" in code
    assert code.index("load atomic i64") < code.index("fence acq_rel")
    assert code.index("fence acq_rel") < code.index("store atomic i64")
    assert "NRT_Allocate" not in code and "NRT_MemInfo" not in code


@pytest.mark.skipif(JIT_DISABLED, reason="threads of Python see each other anyway")
def test_a_spinning_loop_sees_what_another_thread_stores():
    words = np.zeros(4, np.int64)
    wait_until_set(np.ones(4, np.int64))  # compile first
    threading.Timer(0.05, store_release, (words, 0, 1)).start()
    assert wait_until_set(words) >= 0
