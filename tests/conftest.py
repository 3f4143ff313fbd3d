"""What every test may use: recordings, sizes of a run, marks that follow from a file."""

import os
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
IN_CI = bool(os.environ.get("CI"))
JIT_DISABLED = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")

# A test takes this long on a loaded machine without anything being wrong.
_COMMON = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
# Under CI the examples are the same in every run: a red run can be run again and is red again.
SOAK_FACTOR = 100
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
settings.register_profile("default", max_examples=50, derandomize=IN_CI, **_COMMON)
settings.register_profile("soak", max_examples=50 * SOAK_FACTOR, derandomize=False, **_COMMON)
settings.load_profile(PROFILE)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings beside the checkout (or LONECORE_DATA); else skip."""
    folder = Path(os.environ.get("LONECORE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no recordings: set LONECORE_DATA to a folder of them")
    return folder


@cache
def _runs_hot_code(path: Path) -> bool:
    return "appliance.hot" in path.read_text()


def _multiply_examples(item: pytest.Item, factor: int) -> None:
    """Also where a test says how many examples it wants: a profile alone would not reach those."""
    test = getattr(item, "obj", None)
    wanted = getattr(test, "_hypothesis_internal_use_settings", None)
    if wanted is not None and wanted.max_examples < settings.default.max_examples:
        more = settings(wanted, max_examples=wanted.max_examples * factor)
        getattr(test, "__func__", test)._hypothesis_internal_use_settings = more


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks that follow from what a test uses, so that nobody can forget them."""
    for item in items:
        if _runs_hot_code(item.path):
            item.add_marker(pytest.mark.hot)
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.recorded)
        if PROFILE == "soak":
            _multiply_examples(item, SOAK_FACTOR)
        if JIT_DISABLED and item.get_closest_marker("compiled"):
            item.add_marker(pytest.mark.skip(reason="needs compiled code"))
