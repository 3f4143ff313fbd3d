"""REST of one market: the request as the desk wants it, the reply as clients expect it."""

import time
from typing import Final
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from appliance.cold.venue.credentials import sent_payload
from appliance.cold.venue.desk import Asked
from appliance.cold.venue.floor import Floor
from appliance.cold.venue.hub import compact
from appliance.cold.venue.refusal import BANNED, TOO_MANY, Refused

_JSON: Final = "application/json"
_KEY_HEADER: Final = "X-MBX-APIKEY"


def _payloads(query: str, body: str) -> tuple[tuple[bytes, ...], str]:
    """What may have been signed: as it was sent; and the signature, unquoted."""
    payload, signature = sent_payload(query, body)
    return (payload,), unquote(signature)


class Rest:
    """Answers for one floor."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def serves(self, path: str) -> bool:
        return any(known == path for _, known in self._floor.market_desk.table)

    async def handle(self, request: web.Request) -> web.Response:
        """A reply in any case."""
        floor, now_ns = self._floor, time.time_ns()
        address = request.remote or ""
        query, body = request.rel_url.raw_query_string, await request.text()
        pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
        payloads, signature = _payloads(query, body)
        texts = {name: text for name, text in pairs if name != "signature"}
        asked = Asked(texts, address, request.headers.get(_KEY_HEADER, ""), signature, payloads)
        operation = floor.market_desk.table.get((request.method, request.path))
        if operation is None:
            return web.Response(status=405, text="Method Not Allowed")
        headers: dict[str, str] = {}
        try:
            floor.advance(now_ns)
            result, owner = floor.desk.serve(operation, asked, now_ns)
        except Refused as refused:
            form: object = {"code": refused.code, "msg": refused.message}
            if refused.data is not None and refused.status not in (TOO_MANY, BANNED):
                form = {"code": refused.code, "msg": refused.message, "data": refused.data}
            if refused.retry_after_s:
                headers["Retry-After"] = str(refused.retry_after_s)
            headers |= floor.quotas.headers(address, 0, now_ns)
            status = refused.status
        else:
            form, status = result, 200
            shown = owner if operation.orders else 0
            headers |= floor.quotas.headers(address, shown, now_ns)
        return web.Response(
            body=compact(form), status=status, content_type=_JSON, charset="utf-8", headers=headers
        )
