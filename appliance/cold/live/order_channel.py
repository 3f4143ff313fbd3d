"""Makes the connections that take orders and tell of them: log-on, subscription, reconciliation.

Spot: one connection for both. USD-M: orders on one, user data by a listen key on another. A
connection that tells of our orders is handed over only after every live order was asked for, so the
loop never trades on what it missed.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from appliance.abi.link import LinkRole
from appliance.abi.market import Market
from appliance.abi.units import NS_PER_MS
from appliance.cold.live.channel import LogonRefused
from appliance.cold.live.endpoints import Endpoints
from appliance.cold.live.inquiry import Doubt, Inquiry
from appliance.cold.live.key_file import ApiKey
from appliance.cold.live.link_table import Link, LinkLost, LinkTable
from appliance.cold.live.opening import open_websocket
from appliance.cold.live.rest_client import Refused, RestClient, Unclear, patiently
from appliance.cold.live.signature import api_params
from appliance.cold.tls_client import TlsContext

OPEN_TIMEOUT_S: Final = 10.0
ANSWER_TIMEOUT_S: Final = 10.0
KEEP_ALIVE_S: Final = 1800.0  # a listen key lives for 60 min
KEEP_ALIVE_AGAIN_S: Final = 60.0
NO_LISTEN_KEY: Final = -1125
KEY_CODES: Final = (-1022, -2014, -2015)  # the venue does not take our key

Hear = Callable[[LinkRole, bytes], None]
Lost = Callable[[LinkRole, int | None, str], None]


class OrderChannel:
    """What the channels of ORDERS and USER connect with."""

    def __init__(
        self,
        endpoints: Endpoints,
        key: ApiKey,
        tls: TlsContext,
        table: LinkTable,
        rest: RestClient,
        inquiry: Inquiry,
        hear: Hear,
        on_user_data_lost: Lost,
    ) -> None:
        """``hear``: takes messages that came before the loop had the connection."""
        self._endpoints = endpoints
        self._key = key
        self._tls = tls
        self._table = table
        self._rest = rest
        self._inquiry = inquiry
        self._hear = hear
        self._on_user_data_lost = on_user_data_lost
        self._listen_key = ""
        self._keep_alive_s = 0.0  # when it must be renewed
        self.reconciling = 0  # how many reconciliations are under way
        self.reconciled_n = 0

    async def connect_orders(self) -> Link:
        """A link that is logged on."""
        opened = await asyncio.to_thread(
            open_websocket, self._endpoints.orders, self._tls, OPEN_TIMEOUT_S
        )
        link = self._table.take(LinkRole.ORDERS, opened)
        try:
            stamp = self._stamp_ms()
            await self._call(link, "session.logon", api_params(self._key, {"timestamp": stamp}))
            if self._endpoints.market == Market.SPOT:
                await self._call(link, "userDataStream.subscribe", {})
                await self._reconcile()
                link.has_user_data = True
        except BaseException:
            self._table.free(link)
            raise
        return link

    async def connect_user(self) -> Link:
        """USD-M: the link of a listen key."""
        answer = await self._rest.keyed("POST", "/listenKey")
        if not isinstance(answer, dict) or not isinstance(answer.get("listenKey"), str):
            raise Unclear("/listenKey: there is no listenKey in the answer")
        self._listen_key = answer["listenKey"]
        self._keep_alive_s = time.monotonic() + KEEP_ALIVE_S
        opened = await asyncio.to_thread(
            open_websocket, self._endpoints.user_url(self._listen_key), self._tls, OPEN_TIMEOUT_S
        )
        link = self._table.take(LinkRole.USER, opened)
        try:
            await self._reconcile()
        except BaseException:
            self._table.free(link)
            raise
        link.has_user_data = True
        return link

    def is_keep_alive_due(self) -> bool:
        """USD-M: whether the listen key must be renewed; asked once, it is about to be."""
        now_s = time.monotonic()
        if not self._listen_key or now_s < self._keep_alive_s:
            return False
        self._keep_alive_s = now_s + KEEP_ALIVE_AGAIN_S
        return True

    async def keep_alive(self) -> None:
        """Renew the listen key. RestError: it will be due again soon."""
        try:
            await self._rest.keyed("PUT", "/listenKey")
        except Refused as refused:
            if refused.code != NO_LISTEN_KEY:
                raise
            self._listen_key = ""
            self._on_user_data_lost(LinkRole.USER, None, str(refused))
        else:
            self._keep_alive_s = time.monotonic() + KEEP_ALIVE_S

    async def _reconcile(self) -> None:
        """Ask for every live order. RestError: the fate of one was not learnt.

        One that may still come is UNKNOWN, and is asked for again.
        """
        self.reconciling += 1
        try:
            for doubt in self._inquiry.live(unknown_only=False):

                async def ask(doubt: Doubt = doubt) -> bool:
                    return await self._inquiry.ask(doubt)

                if not await patiently(ask, 3):
                    self._inquiry.doubt(doubt)
            self.reconciled_n += 1
        finally:
            self.reconciling -= 1

    async def _call(self, link: Link, method: str, params: Mapping[str, str | int]) -> Any:
        """A request on a link that is ours; its result. LinkLost, LogonRefused, TimeoutError."""
        request = {"id": method, "method": method, "params": dict(params)}
        self._table.say(link, json.dumps(request, separators=(",", ":")).encode())
        while True:
            message = await self._table.hear(link, ANSWER_TIMEOUT_S)
            try:
                answer = json.loads(message)
            except (ValueError, RecursionError):
                raise LinkLost("a reply that is not JSON") from None
            if not _is_answer(answer, method):
                self._hear(LinkRole.ORDERS, message)
                continue
            if answer.get("status") == 200:
                return answer.get("result")
            raise _failure(method, answer.get("error"))

    def _stamp_ms(self) -> int:
        return (time.time_ns() + self._rest.clock_offset_ns) // NS_PER_MS


def _is_answer(message: Any, method: str) -> bool:
    """What the venue refuses before it has read the id has none."""
    if not isinstance(message, dict):
        return False
    return message.get("id") == method or (message.get("id") is None and "error" in message)


def _failure(method: str, error: Any) -> LogonRefused | LinkLost:
    if not isinstance(error, dict):
        return LinkLost(f"{method}: a refusal that does not say why")
    text = f"{method}: {error.get('code')} {error.get('msg')}"
    return (LogonRefused if error.get("code") in KEY_CODES else LinkLost)(text)
