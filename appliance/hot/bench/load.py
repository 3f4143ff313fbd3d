"""A load generator with a schedule of its own: it sends when a frame is due, whatever came back.

Latency is measured from the moment at which a frame was due, not from the one at which it could be
sent: where the other side holds everything up, each frame that had to wait counts with its whole
wait (no coordinated omission).

The n-th frame is a bookTicker whose bid is ``base + n`` ticks; the strategy under test
(hot/strategy/every_record.py) answers at that price, so an answer says which frame it is of. A
frame that the loop did not show to its strategy, because a fresher one waited, has none.
"""

from typing import Final

from appliance.hot.cpu import cycles
from appliance.hot.jit import hot
from appliance.hot.wire.socket_io import receive, send

ROOM: Final = 1 << 20  # bytes of answers that may wait
WAITS_MAX: Final = 1 << 40

# Words of the result
SENT: Final = 0
ANSWERED: Final = 1
FAILED: Final = 2  # 1: a connection ended; 2: the kernel took a part; 3: an answer makes no sense
WORDS_N: Final = 8

_QUOTE: Final = 0x22
_DOT: Final = 0x2E
_ZERO: Final = 0x30


@hot
def offer(market, orders, data, starts, lengths, due, base, answered_at, room, words, patience):
    """Sends frame n at ``due[n]`` (cycles), and notes when its answer came in ``answered_at[n]``.

    Ends ``patience`` cycles after the last one was due, or when every frame has its answer.
    """
    count = due.shape[0]
    sent, answered, got = 0, 0, 0
    words[:] = 0
    for _ in range(WAITS_MAX):
        now = cycles()
        if sent < count:
            if now >= due[sent]:
                taken = send(market, data, starts[sent], lengths[sent])
                if taken == lengths[sent]:
                    sent += 1
                elif taken > 0:
                    words[FAILED] = 2
                    break
        elif answered == count or now > due[count - 1] + patience:
            break
        n = receive(orders, room, got, ROOM - got)
        if n == 0:
            words[FAILED] = 1
            break
        if n > 0:
            now = cycles()
            got += n
            at = 0
            while got - at >= 4:
                whole = _frame_bytes(room, at)
                if whole == 0 or got - at < whole:
                    break
                frame = _price_of(room, at, whole) - base
                if frame < 0 or frame >= count:
                    words[FAILED] = 3
                    break
                if answered_at[frame] == 0:
                    answered_at[frame] = now
                    answered += 1
                at += whole
            for k in range(got - at):
                room[k] = room[at + k]
            got -= at
            if words[FAILED] != 0 or (got >= 2 and _frame_bytes(room, 0) == 0):
                words[FAILED] = 3
                break
    words[SENT] = sent
    words[ANSWERED] = answered


@hot
def _frame_bytes(room, at):
    """Of a masked text frame of 126 to 65,535 bytes (RFC 6455, 5.2); 0: it is none."""
    if room[at] != 0x81 or room[at + 1] != 0xFE:
        return 0
    return 8 + (int(room[at + 2]) << 8 | int(room[at + 3]))


@hot
def _price_of(room, at, whole):
    """The figures of ``"price":"`` in a masked frame as one number, or -1: there is none."""
    end = at + whole
    # price" and, past it, a colon and a quote: no other key of an order ends in "price"
    for k in range(at + 8, end - 16):
        if (
            _plain(room, at, k) == 0x70
            and _plain(room, at, k + 1) == 0x72
            and _plain(room, at, k + 2) == 0x69
            and _plain(room, at, k + 3) == 0x63
            and _plain(room, at, k + 4) == 0x65
            and _plain(room, at, k + 5) == _QUOTE
        ):
            value = 0
            for j in range(k + 8, end):
                byte = _plain(room, at, j)
                if byte == _QUOTE:
                    return value
                if byte != _DOT:
                    value = value * 10 + byte - _ZERO
            return -1
    return -1


@hot
def _plain(room, at, k):
    return int(room[k]) ^ int(room[at + 4 + (k - at - 8 & 3)])
