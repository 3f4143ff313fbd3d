"""What a live run ends with: the report of any run, and what its session went through."""

from typing import Any

from appliance.abi.counters import Counter
from appliance.cold import run_report
from appliance.cold import session as loop_session
from appliance.cold.live.live_session import LiveSession


def report(made: loop_session.Session, session: LiveSession) -> dict[str, Any]:
    """The run's report, and what the session went through."""
    result = run_report.as_dict(made)
    counters = made.core.telemetry.counters
    asked = (session.inquiry, session.snapshots, session.funds, session.audit)
    failures = [one.failed for one in asked]
    result["session"] = {
        "fatal": session.fatal,
        "connections": {
            role.name.lower(): {
                "connects": channel.connects_n,
                "rotations": channel.rotations_n,
                "silences": channel.silences_n,
                "ends": channel.ends,
            }
            for role, channel in session.channels.items()
        },
        "server_shutdowns": session.server_shutdowns_n,
        "snapshots": session.snapshots.pushed_n,
        "clock_offset_ms": session.clock.offset_ns / 1e6,
        "unanswered": int(counters[Counter.UNANSWERED, 0]),
        "backed_up": int(counters[Counter.BACKED_UP, 0]),
        "asked": session.inquiry.asked_n,
        "compared": session.audit.asked_n,
        "mismatch": session.mismatch,
        "alerts": session.alerts.alerts_n,
        "live_orders": session.live_orders_n(),
        "refusals": session.messages.refusals,
        "unreadable": session.messages.unreadable_n,
        "last_error": session.last_error or next(filter(None, failures), ""),
        "seconds": round(made.loop.busy_ns / 1e9, 3),
    }
    return result
