"""Frames that a recording holds and no venue said: of streams of ours, on one line each."""

import base64
import json

from sidecar.recorder.manifest import Gap


def gap_frame(symbol: str, gap: Gap) -> bytes:
    """A gap as a frame of a stream of ours, which readers of the field pass over."""
    data = {"e": "gap", "s": symbol, "why": gap.why, "lost_frames": gap.lost_frames}
    return json.dumps({"stream": f"{symbol.lower()}@gap", "data": data}).encode()


def raw_frame(symbol: str, frame: bytes) -> bytes:
    """A frame that is not one line, so that it becomes one."""
    data = {"e": "raw", "s": symbol, "base64": base64.b64encode(frame).decode()}
    return json.dumps({"stream": f"{symbol.lower()}@raw", "data": data}).encode()
