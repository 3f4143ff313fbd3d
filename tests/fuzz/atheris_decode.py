"""Coverage-guided: the decoder uncompiled (appliance.hot.decode), against the clerk.

``python -m tests.fuzz.atheris_decode [libFuzzer options] [corpus folder]``, in an environment that
has atheris (``pip install atheris``: it is none of the pinned packages). Compiled code tells no
coverage; its twin has the same branches. Stops at the first disagreement.
"""

import os
import sys
from pathlib import Path


def main() -> None:
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    import atheris

    with atheris.instrument_imports(include=["appliance.hot.decode"]):
        from tests.fuzz.fuzz_decode import recorded, shapes
        from tests.strategies.hot_decoder import HOSTILE, agree, new_decoder, read
    from appliance.cold.clerk import Clerk
    from tests.strategies.frames import INSTRUMENTS

    clerk = Clerk(INSTRUMENTS)
    warm = new_decoder()
    learnt = shapes()

    def one(data: bytes) -> None:
        if len(data) < 2:
            return
        hint = data[0] % 4 - 1
        behind = HOSTILE[data[1] % len(HOSTILE)]
        if data[0] & 0x80:  # its head and its levels are known by a template
            read(warm, learnt[data[1] % len(learnt)], hint)
        agree(read(warm, data[2:], hint, behind), clerk, data[2:], hint)

    folders = [Path(name) for name in sys.argv[1:] if not name.startswith("-")]
    root = Path(__file__).resolve().parents[2]
    data_folder = Path(os.environ.get("LONECORE_DATA", root.parent / "shared" / "data"))
    for folder in folders[:1]:
        folder.mkdir(parents=True, exist_ok=True)
        for number, frame in enumerate([*learnt, *recorded(data_folder)]):
            (folder / f"seed-{number}").write_bytes(bytes([number % 4, number % 256]) + frame)
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
