"""Whatever a configuration holds: it is sound, or refused in printable lines."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cold.errors import ApplianceError
from appliance.cold.run_config import KEYS, BadConfig, check, load

PATH = Path("dir/run.toml")
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(sorted(KEYS)) | st.text(max_size=12)


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_any_document_is_refused_in_printable_lines(flat: dict[str, Any]) -> None:
    document: dict[str, Any] = {}
    for name, value in flat.items():
        section, _, key = name.rpartition(".")
        target = document.setdefault(section, {}) if section else document
        if isinstance(target, dict):
            target[key] = value
    try:
        config = check(document, PATH)
    except BadConfig as error:
        lines = str(error).split("\n")
        assert all(line.isprintable() and line.startswith(f"{PATH}: ") for line in lines)
    else:
        assert config.mode in ("paper", "live") and config.symbols


@given(st.text(max_size=200))
def test_any_text_is_refused_or_sound(tmp_path_factory: Any, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8", errors="replace", newline="")
    with pytest.raises(ApplianceError):  # three keys must stand in it
        load(path)
