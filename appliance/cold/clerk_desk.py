"""The cold end of the decoder: what the hot loop was unsure of is decided here.

A frame that the clerk can read goes back rewritten in plain JSON, in its old place in time; what
nobody can read goes to the quarantine. A rewritten frame never comes here twice.
"""

import numpy as np

from appliance.abi.counters import FAULT_BASE, Counter
from appliance.abi.limits import FRAME_BYTES_MAX, FRAME_HEADER_BYTES
from appliance.abi.market import Fault, FrameSource, Kind
from appliance.cold.clerk import Clerk
from appliance.cold.quarantine import Quarantine
from appliance.hot.core import Core
from appliance.hot.frame_ring import (
    instrument_at,
    length_at,
    number_at,
    payload_bytes_max,
    peek,
    push,
    receive_ns_at,
    release,
    source_at,
)


class ClerkDesk:
    """Serves the ring of one core. In lockstep the loop stands still meanwhile."""

    def __init__(self, core: Core, clerk: Clerk, quarantine: Quarantine) -> None:
        self._core = core
        self._clerk = clerk
        self._quarantine = quarantine
        self.sent_back_n = 0

    def serve(self) -> int:
        """Decide every frame that waits; how many there were."""
        served_n = 0
        while self._serve_one():
            served_n += 1
        return served_n

    def _serve_one(self) -> bool:
        ring = self._core.to_clerk
        offset = int(peek(ring))
        if offset < 0:
            return False
        length = int(length_at(ring, offset))
        start = offset + FRAME_HEADER_BYTES
        stored = min(length, int(payload_bytes_max(ring)))
        frame = ring.data[start : start + stored].tobytes()
        hint = int(instrument_at(ring, offset))
        number = int(number_at(ring, offset))
        receive_ns = int(receive_ns_at(ring, offset))
        again = int(source_at(ring, offset)) == FrameSource.CLERK
        release(ring)
        if length > FRAME_BYTES_MAX:
            detail = f"{length} bytes, {FRAME_BYTES_MAX} are read"
            self._admit(frame, number, receive_ns, Fault.TOO_LONG, detail)
            return True
        verdict = self._clerk.decide(frame, instrument_hint=hint)
        if verdict.kind == Kind.UNDECIDED:
            self._admit(frame, number, receive_ns, verdict.fault, verdict.detail)
        elif verdict.kind in (Kind.OTHER, Kind.STRANGER):
            name = Counter.DECODED_OTHER if verdict.kind == Kind.OTHER else Counter.STRANGERS
            self._core.telemetry.counters[name, 0] += 1
        elif again:
            detail = "sound, but beyond what the compiled decoder reads"
            self._admit(frame, number, receive_ns, Fault.OUT_OF_RANGE, detail)
        else:
            self.send_back(self._clerk.canonical(verdict), receive_ns, verdict.instrument, number)
        return True

    def send_back(self, text: bytes, receive_ns: int, instrument: int, number: int) -> None:
        """A frame that the loop can read, in place of one that it could not."""
        data = np.frombuffer(text, np.uint8)
        pushed = push(
            self._core.from_clerk,
            data,
            0,
            len(data),
            receive_ns,
            instrument,
            int(FrameSource.CLERK),
            number,
        )
        if pushed:
            self.sent_back_n += 1
        else:
            self._core.telemetry.counters[Counter.CLERK_FULL, 0] += 1

    def _admit(self, frame: bytes, number: int, receive_ns: int, fault: Fault, detail: str) -> None:
        self._quarantine.admit(
            frame, number=number, receive_ns=receive_ns, fault=fault, detail=detail
        )
        counters = self._core.telemetry.counters
        counters[Counter.QUARANTINED, 0] += 1
        counters[FAULT_BASE + fault, 0] += 1
