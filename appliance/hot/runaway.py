"""What runs away when a strategy does: messages, executions and rejects, and when.

Each ring keeps ORDER_RATE_MAX times; a moment before the last one counts as the last one's, so that
nothing leaves a window early. They belong to the one agent that sends.
"""

from typing import Final

from appliance.abi.limits import ORDER_RATE_MAX
from appliance.hot.jit import hot

_MASK: Final = ORDER_RATE_MAX - 1


@hot
def note_message(gate, now_ns):
    """An order or a cancel is sent: cancels pass the gate unseen, but not uncounted."""
    account = gate.account[0]
    sent_ns = max(now_ns, account.last_message_ns)
    gate.message_ns[account.messages_n & _MASK] = sent_ns
    account.messages_n += 1
    account.last_message_ns = sent_ns


@hot
def note_runaway(gate, now_ns):
    """A fill, or an order that the venue rejected."""
    account = gate.account[0]
    seen_ns = max(now_ns, account.last_runaway_ns)
    gate.runaway_ns[account.runaway_n & _MASK] = seen_ns
    account.runaway_n += 1
    account.last_runaway_ns = seen_ns


@hot
def note_reject(gate, now_ns):
    """The venue rejected an order."""
    gate.account[0].rejects_in_row_n += 1
    note_runaway(gate, now_ns)


@hot
def note_accepted(gate):
    """The venue took an order, or filled one."""
    gate.account[0].rejects_in_row_n = 0
