"""Every record of the abi with its size and its fields' places, as text.

Run as ``python -m tests.tidy.layout_table > tests/tidy/layout.txt`` after a change that was meant
(and that changed ABI_MAJOR or ABI_MINOR).
"""

import importlib
import pkgutil

import numpy as np

import appliance.abi
from appliance.abi.version import ABI_MAJOR, ABI_MINOR

Record = tuple[str, "np.dtype[np.void]"]


def records() -> list[Record]:
    """Each named record dtype of an abi module, once, by the module that defines it first."""
    found: dict[str, np.dtype[np.void]] = {}
    for info in pkgutil.walk_packages(appliance.abi.__path__, "appliance.abi."):
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if isinstance(value, np.dtype) and value.names is not None and not name.startswith("_"):
                assert found.setdefault(name, value) == value, f"two records are called {name}"
    return sorted(found.items())


def fields(dtype: "np.dtype[np.void]") -> list[tuple[str, "np.dtype[np.void]", int]]:
    """(name, dtype, offset) of each field in memory order."""
    assert dtype.names is not None and dtype.fields is not None
    rows = [(name, dtype.fields[name][0], dtype.fields[name][1]) for name in dtype.names]
    return sorted(rows, key=lambda row: row[2])


def table() -> str:
    lines = [f"version {ABI_MAJOR}.{ABI_MINOR}"]
    for name, dtype in records():
        lines.append(f"{name} {dtype.itemsize} bytes")
        for field, kind, offset in fields(dtype):
            shape = "".join(f"[{n}]" for n in kind.shape)
            lines.append(f"  {offset:>6} {field} {kind.base.str}{shape}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
