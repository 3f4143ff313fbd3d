"""The quarantine keeps the newest, counts all, and shows nothing that could do harm."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from appliance.abi.limits import QUARANTINE_SLOTS, QUARANTINE_TEXT_BYTES
from appliance.abi.market import Fault
from appliance.cold.quarantine import Quarantine

FAULTS = [fault for fault in Fault if fault is not Fault.NONE]


def shown(quarantine: Quarantine, newest_n: int = 20) -> str:
    out = io.StringIO()
    Console(file=out, width=200, force_terminal=False).print(quarantine.table(newest_n))
    return out.getvalue()


def test_a_patient() -> None:
    quarantine = Quarantine()
    frame = b"x" * (QUARANTINE_TEXT_BYTES + 5)
    quarantine.admit(frame, number=7, receive_ns=12, fault=Fault.NOT_JSON, detail="why")
    (patient,) = quarantine.patients
    assert patient == (7, 12, Fault.NOT_JSON, "why", len(frame), frame[:QUARANTINE_TEXT_BYTES])


def test_the_newest_stay_and_all_are_counted() -> None:
    quarantine = Quarantine()
    total = QUARANTINE_SLOTS + 40
    for n in range(total):
        fault = FAULTS[n % len(FAULTS)]
        quarantine.admit(b"%d" % n, number=n, receive_ns=n, fault=fault, detail="")
    assert [patient.number for patient in quarantine.patients] == list(range(40, total))
    assert quarantine.admitted_n == total
    assert quarantine.counts() == {
        fault.name: len(range(k, total, len(FAULTS))) for k, fault in enumerate(FAULTS)
    }
    document = quarantine.as_json()
    assert (document["admitted"], document["kept"]) == (total, QUARANTINE_SLOTS)
    assert "40 no longer kept" in shown(quarantine)


def test_an_empty_one() -> None:
    quarantine = Quarantine()
    assert quarantine.as_json() == {"admitted": 0, "kept": 0, "faults": {}, "frames": []}
    assert "0 undecodable frames" in shown(quarantine)
    assert "0 undecodable frames" in shown(quarantine, 0)


def test_a_frame_without_fault_is_refused() -> None:
    with pytest.raises(ValueError):
        Quarantine().admit(b"{}", number=0, receive_ns=0, fault=Fault.NONE, detail="")


def test_the_frame_is_copied() -> None:
    quarantine = Quarantine()
    frame = bytearray(b"before")
    quarantine.admit(frame, number=0, receive_ns=0, fault=Fault.NOT_JSON, detail="")
    frame[:] = b"behind"
    assert quarantine.patients[0].text == b"before"


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_whatever_a_frame_holds_can_be_shown(frame: bytes, detail: str) -> None:
    quarantine = Quarantine()
    for hostile in (frame, b"\x1b[31mred\x1b]0;x\x07[/] [bold]b[/bold] [link=x]\xff\x00"):
        quarantine.admit(hostile, number=1, receive_ns=2, fault=Fault.NOT_JSON, detail=detail)
    text = json.dumps(quarantine.as_json())
    kept = json.loads(text)["frames"][0]
    assert (kept["detail"], kept["length_bytes"]) == (detail, len(frame))
    table = shown(quarantine)
    assert "\x1b" not in table and "\x07" not in table
    assert "[bold]b[/bold]" in table  # markup is shown, not obeyed
