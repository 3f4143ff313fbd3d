"""Orders as the bytes of WebSocket API requests (order.place, order.cancel), written in place.

Everything that does not change between two orders of an instrument is prepared: one head for each
side and time in force, and one for cancels. What is left to write:

    head      {"id":"lc-<epoch>-<generation>-<slot>","method":"order.place","params":{"symbol":
              "BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","newOrderRespType":"ACK",
              "newClientOrderId":"lc-<epoch>-<generation>-<slot>","price":"
    price     61837.63
    joint     ","quantity":"
    quantity  0.00100
    joint     ","timestamp":
    ms        1723161255208
    end       }}

Both ids stand at fixed offsets of the head, so it is one copy and two patches. A session that is
logged on needs no key and no signature, only the timestamp (binance-protocol.md 3).

Client order ids are 29 bytes of [a-z0-9-]: "lc", the session's epoch (8 hex digits), generation
(12) and slot (4) of the order. Reports carry them back: key_of_client_id. The id of a cancel
request is the order's with "lx" for "lc": key_of_cancel_id.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi.limits import ORDER_TEXT_BYTES, ORDERS_MAX
from appliance.abi.market import Market, symbol_text
from appliance.abi.trading import ORDER_SLOT_BITS, ORDER_SLOT_MASK, Side, TimeInForce
from appliance.abi.units import E8_DECIMALS, INT64_MAX, NS_PER_MS
from appliance.hot.jit import hot, hot_inline
from appliance.hot.memory import copy_bytes

# Client order id: bytes, and where its parts begin
ID_BYTES: Final = 29
_EPOCH_AT: Final = 3
_EPOCH_DIGITS: Final = 8
_GENERATION_AT: Final = 12
_GENERATION_DIGITS: Final = 12
_SLOT_AT: Final = 25
_SLOT_DIGITS: Final = 4
_VARIABLE_BYTES: Final = ID_BYTES - _GENERATION_AT  # generation, dash, slot

EPOCH_MAX: Final = (1 << 4 * _EPOCH_DIGITS) - 1
NO_KEY: Final = -1  # not an id of this session

# Rows of heads: side column x time in force, then cancel
_SIDE_ROWS: Final = len(TimeInForce)
_CANCEL_ROW: Final = 2 * _SIDE_ROWS
_ROWS_N: Final = _CANCEL_ROW + 1
HEAD_BYTES_MAX: Final = 320
_ID_AT: Final = len('{"id":"')

# Rows of the joints
_TO_QUANTITY: Final = 0
_TO_TIME: Final = 1
_JOINTS: Final = (b'","quantity":"', b'","timestamp":')
_JOINT_BYTES: Final = len(_JOINTS[0])
_DIGITS_MAX: Final = 19  # of an int64
_END_BYTES: Final = 2  # }}

assert all(len(joint) == _JOINT_BYTES for joint in _JOINTS)
assert HEAD_BYTES_MAX + 3 * (_DIGITS_MAX + 2) + 2 * _JOINT_BYTES + _END_BYTES <= ORDER_TEXT_BYTES
assert ORDERS_MAX <= 1 << 4 * _SLOT_DIGITS and ORDER_SLOT_BITS == 4 * _SLOT_DIGITS

_QUOTE: Final = ord('"')
_BRACE: Final = ord("}")
_POINT: Final = ord(".")
_DASH: Final = ord("-")
_ZERO: Final = ord("0")
_A_MINUS_10: Final = ord("a") - 10
_LETTER_L: Final = ord("l")
_LETTER_ORDER: Final = ord("c")
_LETTER_CANCEL: Final = ord("x")

# Columns of numbers: price, then quantity
_PRICE: Final = 0
_QUANTITY: Final = 4
_UNIT: Final = 0  # units of the last decimal in one tick or lot
_SCALE: Final = 1  # 10**decimals
_DECIMALS: Final = 2
_MAX: Final = 3  # the most ticks or lots whose text is exact; 0: not orderable


class Templates(NamedTuple):
    heads: np.ndarray  # uint8[instruments x _ROWS_N x HEAD_BYTES_MAX]
    lengths: np.ndarray  # int64[instruments, _ROWS_N]: bytes of each head
    second_id: np.ndarray  # int64[instruments, _ROWS_N]: where the client order id begins
    numbers: np.ndarray  # int64[instruments, 8]
    joints: np.ndarray  # uint8[2 x _JOINT_BYTES]
    epoch: np.ndarray  # int64[1]
    clock_offset_ns: np.ndarray  # int64[1]: the venue's clock less ours; the cold side measures it


def make_templates(instruments: Any, epoch: int) -> Templates:
    """Templates of every INSTRUMENT record; ``epoch`` 0..EPOCH_MAX names the session. Cold code.

    An instrument without symbol, market or grid gets none: ``is_writable`` refuses its orders.
    ValueError: an epoch out of range, or a grid that its decimals cannot express.
    """
    if not 0 <= epoch <= EPOCH_MAX:
        raise ValueError(f"epoch {epoch}: 0 to {EPOCH_MAX} are possible")
    count = len(instruments)
    heads = np.zeros((count, _ROWS_N, HEAD_BYTES_MAX), np.uint8)
    lengths = np.zeros((count, _ROWS_N), np.int64)
    second_id = np.zeros((count, _ROWS_N), np.int64)
    numbers = np.zeros((count, 8), np.int64)
    numbers[:, [_PRICE + _SCALE, _QUANTITY + _SCALE]] = 1  # divisors are never zero
    for i, instrument in enumerate(instruments):
        grids = (int(instrument.price_grid_e8), int(instrument.quantity_grid_e8))
        symbol = symbol_text(instrument.symbol)
        if not symbol or instrument.market == Market.UNKNOWN or min(grids) <= 0:
            continue
        numbers[i, _PRICE:_QUANTITY] = _scaling(symbol, grids[0], int(instrument.price_decimals))
        numbers[i, _QUANTITY:] = _scaling(symbol, grids[1], int(instrument.quantity_decimals))
        for row in range(_ROWS_N):
            head, at = _head(symbol, int(instrument.market), row, epoch)
            heads[i, row, : len(head)] = np.frombuffer(head, np.uint8)
            lengths[i, row] = len(head)
            second_id[i, row] = at
    joints = np.frombuffer(b"".join(_JOINTS), np.uint8).copy()
    return Templates(
        heads.reshape(-1),
        lengths,
        second_id,
        numbers,
        joints,
        np.array([epoch], np.int64),
        np.zeros(1, np.int64),
    )


def client_id(epoch: int, key: int, letter: str = "c") -> str:
    """The client order id of ``key``, as the compiled code writes it. Cold code and tests."""
    return f"l{letter}-{epoch:08x}-{key >> ORDER_SLOT_BITS:012x}-{key & ORDER_SLOT_MASK:04x}"


def _scaling(symbol: str, grid_e8: int, decimals: int) -> tuple[int, int, int, int]:
    """(unit, 10**decimals, decimals, the most ticks or lots) of a grid."""
    if not 0 <= decimals <= E8_DECIMALS or grid_e8 % 10 ** (E8_DECIMALS - decimals):
        raise ValueError(f"{symbol}: a grid of {grid_e8}e-8 cannot be told in {decimals} decimals")
    unit = grid_e8 // 10 ** (E8_DECIMALS - decimals)
    return unit, 10**decimals, decimals, INT64_MAX // unit


def _head(symbol: str, market: int, row: int, epoch: int) -> tuple[bytes, int]:
    """Head of a row, and where its client order id begins."""
    name = _quoted(symbol)
    own_id = client_id(epoch, 0)
    if row == _CANCEL_ROW:
        start = f'{{"id":"{client_id(epoch, 0, "x")}","method":"order.cancel","params":'
        text = f'{start}{{"symbol":{name},"origClientOrderId":"{own_id}","timestamp":'
    else:
        side = "BUY" if row < _SIDE_ROWS else "SELL"
        start = f'{{"id":"{own_id}","method":"order.place","params":{{"symbol":{name}'
        kind = _type_text(market, TimeInForce(row % _SIDE_ROWS))
        middle = f'"side":"{side}",{kind},"newOrderRespType":"ACK"'
        text = f'{start},{middle},"newClientOrderId":"{own_id}","price":"'
    head = text.encode()
    if len(head) > HEAD_BYTES_MAX:
        raise ValueError(f"{symbol}: a head of {len(head)} bytes, {HEAD_BYTES_MAX} are possible")
    return head, head.rindex(own_id.encode())


def _quoted(symbol: str) -> str:
    """The symbol as a JSON string, in UTF-8 as the venue writes it."""
    if any(character < " " for character in symbol):
        raise ValueError(f"symbol {symbol!r} has a control character")
    escaped = symbol.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _type_text(market: int, time_in_force: TimeInForce) -> str:
    """Post-only is a type of its own on spot, and a time in force on USD-M."""
    if time_in_force == TimeInForce.POST_ONLY:
        if market == Market.SPOT:
            return '"type":"LIMIT_MAKER"'
        return '"type":"LIMIT","timeInForce":"GTX"'
    return f'"type":"LIMIT","timeInForce":"{time_in_force.name}"'


@hot_inline
def is_writable(templates, instrument, price_ticks, quantity_lots):
    """Whether the order's text would be exact: a known instrument, numbers in range."""
    if instrument < 0 or instrument >= templates.lengths.shape[0]:
        return False
    numbers = templates.numbers
    return (
        0 < price_ticks <= numbers[instrument, _PRICE + _MAX]
        and 0 < quantity_lots <= numbers[instrument, _QUANTITY + _MAX]
    )


@hot
def write_place(templates, order, key, now_ns, text):
    """Write the order.place request of an ORDER record into ``text`` (uint8). Its length in bytes.

    The caller has asked ``is_writable`` and knows side and time in force to be valid.
    """
    instrument = order.instrument
    row = order.time_in_force
    if order.side != Side.BUY:
        row += _SIDE_ROWS
    at = _write_head(templates, instrument, row, key, text)
    at = _write_decimal(templates.numbers, instrument, _PRICE, order.price_ticks, text, at)
    copy_bytes(text, at, templates.joints, _TO_QUANTITY * _JOINT_BYTES, _JOINT_BYTES)
    at += _JOINT_BYTES
    at = _write_decimal(templates.numbers, instrument, _QUANTITY, order.quantity_lots, text, at)
    copy_bytes(text, at, templates.joints, _TO_TIME * _JOINT_BYTES, _JOINT_BYTES)
    return _write_time(templates, now_ns, text, at + _JOINT_BYTES)


@hot
def write_cancel(templates, instrument, key, now_ns, text):
    """Write the order.cancel request of the order ``key`` into ``text``. Its length in bytes."""
    at = _write_head(templates, instrument, _CANCEL_ROW, key, text)
    return _write_time(templates, now_ns, text, at)


@hot
def key_of_client_id(text, epoch):
    """Key in a client order id (uint8[ID_BYTES]), or NO_KEY: another session's or nobody's."""
    return _key_of(text, epoch, _LETTER_ORDER)


@hot
def key_of_cancel_id(text, epoch):
    """Key of the order that a cancel request's id names, or NO_KEY."""
    return _key_of(text, epoch, _LETTER_CANCEL)


@hot
def _key_of(text, epoch, letter):
    if text.shape[0] != ID_BYTES or text[0] != _LETTER_L or text[1] != letter:
        return NO_KEY
    if text[_EPOCH_AT - 1] != _DASH or text[_GENERATION_AT - 1] != _DASH:
        return NO_KEY
    if text[_SLOT_AT - 1] != _DASH or _read_hex(text, _EPOCH_AT, _EPOCH_DIGITS) != epoch:
        return NO_KEY
    generation = _read_hex(text, _GENERATION_AT, _GENERATION_DIGITS)
    slot = _read_hex(text, _SLOT_AT, _SLOT_DIGITS)
    if generation < 0 or generation > INT64_MAX >> ORDER_SLOT_BITS or slot < 0:
        return NO_KEY
    return generation << ORDER_SLOT_BITS | slot


@hot
def _read_hex(text, at, digits_n):
    """The number of ``digits_n`` lower-case hex digits, or -1."""
    number = 0
    for k in range(digits_n):
        byte = int(text[at + k])
        if _ZERO <= byte <= _ZERO + 9:
            number = number << 4 | (byte - _ZERO)
        elif _A_MINUS_10 + 10 <= byte <= _A_MINUS_10 + 15:
            number = number << 4 | (byte - _A_MINUS_10)
        else:
            return -1
    return number


@hot_inline
def _write_hex(number, digits_n, text, at):
    for k in range(digits_n):
        nibble = (number >> 4 * (digits_n - 1 - k)) & 15
        text[at + k] = nibble + (_ZERO if nibble < 10 else _A_MINUS_10)


@hot
def _write_head(templates, instrument, row, key, text):
    """Head with both ids patched; returns its length."""
    length = templates.lengths[instrument, row]
    start = (instrument * _ROWS_N + row) * HEAD_BYTES_MAX
    copy_bytes(text, 0, templates.heads, start, length)
    first = _ID_AT + _GENERATION_AT
    _write_hex(key >> ORDER_SLOT_BITS, _GENERATION_DIGITS, text, first)
    _write_hex(key & ORDER_SLOT_MASK, _SLOT_DIGITS, text, _ID_AT + _SLOT_AT)
    second = templates.second_id[instrument, row] + _GENERATION_AT
    copy_bytes(text, second, text, first, _VARIABLE_BYTES)
    return length


@hot
def _write_number(number, text, at):
    """Decimal digits of ``number`` >= 0; returns where they end."""
    digits_n = 1
    bound = 10
    while digits_n < _DIGITS_MAX and number >= bound:
        bound *= 10
        digits_n += 1
    _write_digits(number, digits_n, text, at)
    return at + digits_n


@hot_inline
def _write_digits(number, digits_n, text, at):
    """Exactly ``digits_n`` digits of ``number``, zeros in front."""
    for k in range(digits_n):
        tens = number // 10
        text[at + digits_n - 1 - k] = _ZERO + number - 10 * tens
        number = tens


@hot
def _write_decimal(numbers, instrument, column, count, text, at):
    """``count`` ticks or lots as a decimal with all its decimals; returns where it ends."""
    units = count * numbers[instrument, column + _UNIT]
    scale = numbers[instrument, column + _SCALE]
    decimals = numbers[instrument, column + _DECIMALS]
    whole = units // scale
    at = _write_number(whole, text, at)
    if decimals == 0:
        return at
    text[at] = _POINT
    _write_digits(units - whole * scale, decimals, text, at + 1)
    return at + 1 + decimals


@hot_inline
def _write_time(templates, now_ns, text, at):
    """Timestamp in ms of the venue's clock and the end of the request; returns its length."""
    venue_ns = now_ns + templates.clock_offset_ns[0]
    at = _write_number(max(venue_ns, 0) // NS_PER_MS, text, at)
    text[at] = _BRACE
    text[at + 1] = _BRACE
    return at + 2
