"""Where every request goes through, whichever way it came: limits, key, signature, handler."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from appliance.abi.units import NS_PER_MS, NS_PER_S, NS_PER_US
from appliance.cold.venue.account import Account
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.credentials import ApiKey, KeyRing
from appliance.cold.venue.params import Params
from appliance.cold.venue.quotas import Quotas
from appliance.cold.venue.refusal import Refused, illegal, missing

_MICROSECONDS_FROM: Final = 10**15  # a timestamp of that many digits is in microseconds
_AHEAD_NS: Final = NS_PER_S
_RECV_WINDOW_MS: Final = 5000
_RECV_WINDOW_MAX_MS: Final = 60_000


class Security(Enum):
    """What a request must show."""

    NONE = 0
    KEY = 1  # an API key
    SIGNED = 2  # key, timestamp and signature, or a session that is logged on


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be served."""

    params: Params
    now_ns: int
    signer: ApiKey | None

    @property
    def key(self) -> ApiKey:
        """Of a request that is signed, or at least shows a key."""
        assert self.signer is not None
        return self.signer

    @property
    def account(self) -> Account:
        """Whose key it is."""
        return self.key.account


Handler = Callable[[Call], object]


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that clients can ask for. ``weight`` may depend on the parameters."""

    name: str
    handler: Handler
    security: Security = Security.NONE
    weight: int | Callable[[Params], int] = 1
    orders: int = 0  # that it counts as
    free: bool = False  # weighs nothing when it succeeds


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    texts: dict[str, str]
    address: str
    api_key: str = ""
    signature: str = ""
    payloads: tuple[bytes, ...] = ()  # what may have been signed
    session: ApiKey | None = None  # logged on


# Called before and after the handler; a fault raises Refused from one of them.
Spoil = Callable[[str, bool], None]


class Desk:
    """The desk of one market."""

    def __init__(self, keys: KeyRing, quotas: Quotas, clock: VenueClock) -> None:
        self.keys = keys
        self.quotas = quotas
        self._clock = clock
        self.spoil: Spoil = lambda _name, _done: None

    def serve(self, operation: Operation, asked: Asked, now_ns: int) -> tuple[object, int]:
        """The result and the owner of the account, 0 if there is none. Raises Refused."""
        params = Params(asked.texts)
        weight = operation.weight if isinstance(operation.weight, int) else 0
        if not isinstance(operation.weight, int):
            weight = operation.weight(params)
        self.quotas.charge(asked.address, weight, now_ns)
        signer = self._signer(operation.security, asked, params, now_ns)
        if operation.orders and signer is not None:
            self.quotas.charge_order(signer.account.owner, now_ns)
        self.spoil(operation.name, False)
        result = operation.handler(Call(params, now_ns, signer))
        self.spoil(operation.name, True)
        if operation.free:
            self.quotas.refund(asked.address, weight, now_ns)
        return result, signer.account.owner if signer is not None else 0

    def _authenticate(self, asked: Asked, params: Params, now_ns: int) -> ApiKey:
        """The key that signed the request. Raises Refused."""
        self._check_time(params, now_ns)
        if not asked.api_key and asked.session is not None and not asked.signature:
            return asked.session
        if not asked.api_key:
            raise missing("apiKey")
        key = self.keys.find(asked.api_key)
        if not asked.signature:
            raise missing("signature")
        if not any(key.has_signed(payload, asked.signature) for payload in asked.payloads):
            raise Refused(-1022, "Signature for this request is not valid.")
        return key

    def _signer(
        self, security: Security, asked: Asked, params: Params, now_ns: int
    ) -> ApiKey | None:
        if security == Security.NONE:
            return None
        if security == Security.SIGNED:
            return self._authenticate(asked, params, now_ns)
        if not asked.api_key and asked.session is not None:
            return asked.session
        return self.keys.find(asked.api_key)

    def _check_time(self, params: Params, now_ns: int) -> None:
        """The rule of binance-protocol 3, by the venue's own clock."""
        stamp = params.integer("timestamp")
        stamp_ns = stamp * (NS_PER_US if stamp >= _MICROSECONDS_FROM else NS_PER_MS)
        window_ns = _recv_window_ns(params)
        now_ns = self._clock.ns(now_ns)
        if stamp_ns >= now_ns + _AHEAD_NS:
            raise Refused(
                -1021, "Timestamp for this request was 1000ms ahead of the server's time."
            )
        if now_ns - stamp_ns > window_ns:
            raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")


def _recv_window_ns(params: Params) -> int:
    """Milliseconds with up to three decimals, 60000 at most."""
    if not params.has("recvWindow"):
        return _RECV_WINDOW_MS * NS_PER_MS
    window_e8 = params.decimal_e8("recvWindow")
    if window_e8 % 10**5:
        raise illegal("recvWindow", r"^[0-9]{1,5}(\.[0-9]{1,3})?$")
    if window_e8 > _RECV_WINDOW_MAX_MS * 10**8:
        raise Refused(-1131, "recvWindow must be less than 60000.")
    return window_e8 // 100  # 10**-8 ms are 10**-2 ns
