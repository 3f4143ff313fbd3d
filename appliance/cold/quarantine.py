"""The quarantine: the newest frames that nobody could decode, each with the reason. Bounded."""

import re
from collections import deque
from typing import Final, NamedTuple

from rich.table import Table
from rich.text import Text

from appliance.abi.limits import QUARANTINE_SLOTS, QUARANTINE_TEXT_BYTES
from appliance.abi.market import Fault

SHOWN_CHARACTERS: Final = 120  # of a frame, in the table for people
_NOT_PLAIN: Final = re.compile(r"[^ -~]")


class Patient(NamedTuple):
    """One undecodable frame."""

    number: int  # of the frame within its source
    receive_ns: int
    fault: Fault
    detail: str
    length_bytes: int  # of the whole frame
    text: bytes  # the beginning of it, at most QUARANTINE_TEXT_BYTES


class Quarantine:
    """Keeps the newest QUARANTINE_SLOTS patients and counts all. One cold thread may call."""

    def __init__(self) -> None:
        self._patients: deque[Patient] = deque(maxlen=QUARANTINE_SLOTS)
        self._counts = dict.fromkeys(Fault, 0)

    def admit(
        self, frame: bytes, *, number: int, receive_ns: int, fault: Fault, detail: str
    ) -> None:
        """Keep the beginning of ``frame``; the oldest patient goes if there is no room.

        ValueError for Fault.NONE: a frame without a fault does not belong here.
        """
        if fault is Fault.NONE:
            raise ValueError(f"frame {number} has no fault")
        text = bytes(frame[:QUARANTINE_TEXT_BYTES])
        self._patients.append(Patient(number, receive_ns, fault, detail, len(frame), text))
        self._counts[fault] += 1

    @property
    def admitted_n(self) -> int:
        """All that ever came, those that had to go included."""
        return sum(self._counts.values())

    @property
    def patients(self) -> list[Patient]:
        """Those still here, oldest first."""
        return list(self._patients)

    def counts(self) -> dict[str, int]:
        """Frames by the name of their fault, of all that ever came; no zeros."""
        return {fault.name: n for fault, n in self._counts.items() if n}

    def as_json(self) -> dict[str, object]:
        """For ``json.dumps``; bytes that are not UTF-8 stand as ``\\xNN``."""
        return {
            "admitted": self.admitted_n,
            "kept": len(self._patients),
            "faults": self.counts(),
            "frames": [
                {
                    "number": patient.number,
                    "receive_ns": patient.receive_ns,
                    "fault": patient.fault.name,
                    "detail": patient.detail,
                    "length_bytes": patient.length_bytes,
                    "text": patient.text.decode(errors="backslashreplace"),
                }
                for patient in self._patients
            ],
        }

    def table(self, newest_n: int = 20) -> Table:
        """The newest for people: printable ASCII only, whatever the frames hold."""
        gone = self.admitted_n - len(self._patients)
        caption = f"{self.admitted_n} undecodable frames" + (
            f", {gone} no longer kept" * bool(gone)
        )
        table = Table(title="Quarantine", caption=caption)
        table.add_column("frame", justify="right")
        table.add_column("received ns", justify="right")
        table.add_column("fault")
        table.add_column("detail", overflow="fold")
        table.add_column("bytes", justify="right")
        table.add_column("begins", overflow="fold")
        for patient in self.patients[-newest_n:] if newest_n > 0 else []:
            table.add_row(
                str(patient.number),
                str(patient.receive_ns),
                patient.fault.name,
                _harmless(patient.detail),
                str(patient.length_bytes),
                _harmless(patient.text[:SHOWN_CHARACTERS].decode(errors="backslashreplace")),
            )
        return table


def _harmless(text: str) -> Text:
    """``text`` without control sequences for the terminal; a Text is not read as rich's markup."""
    return Text(_NOT_PLAIN.sub(lambda match: ascii(match[0])[1:-1], text))
