"""What machine the figures are of. Those of an emulated one are no figures."""

import os
import platform
import struct
from pathlib import Path
from typing import Any, Final

from appliance.cold import certificate
from appliance.cold.host.behaviour import is_taken
from appliance.hot.bench.cpuid import HYPERVISOR_LEAF, IS_HYPERVISED, register_of

EMULATORS: Final = ("TCGTCGTCGTCG",)  # of QEMU: every instruction is translated


def hypervisor() -> str:
    """Its own name, twelve letters; "": none, or it does not say."""
    ask: Any = register_of
    if not int(ask(1, 2)) >> IS_HYPERVISED & 1:
        return ""
    words = [int(ask(HYPERVISOR_LEAF, n)) for n in (1, 2, 3)]
    return struct.pack("<3I", *words).decode("ascii", "replace").rstrip("\0").strip()


def facts(core: int, load_core: int | None) -> dict[str, Any]:
    """Plain values."""
    name = hypervisor()
    return {
        "host": platform.node(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "command_line": _read("/proc/cmdline"),
        "hypervisor": name,
        "emulated": name in EMULATORS,
        "core": core,
        "core_taken": is_taken(core),
        "load_core": load_core,
        "version": certificate.package_version(),
        "code": certificate.code_sha256()[:16],
    }


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _processor() -> str:
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
