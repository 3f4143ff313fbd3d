"""appliance.hot.strategy.whole: floats do not pass, whatever their value."""

import numpy as np
import pytest
from numba.core.errors import TypingError

from appliance.hot.jit import hot
from appliance.hot.strategy.whole import whole
from tests.conftest import JIT_DISABLED


@hot
def _whole(value):
    return whole(value)


@pytest.mark.parametrize("value", [0, -3, 2**62, np.int64(7), np.int32(-7), True])
def test_integers_pass(value) -> None:
    assert _whole(value) == int(value)


@pytest.mark.parametrize("value", [1.0, -0.5, np.float64(3), float("nan")])
def test_floats_do_not(value) -> None:
    with pytest.raises(AttributeError if JIT_DISABLED else TypingError):
        _whole(value)
