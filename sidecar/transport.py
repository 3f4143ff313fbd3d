"""One request to a database, and what its answer means for us. Nothing is retried here.

Two ways in: the API of InfluxDB 2 (also 1.8 and 3) by ``influxdb-client``, synchronous, with bytes
that are ready; and plain ``/write`` of 1.x. The client's own batching is not used: what it cannot
deliver in three minutes it forgets.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final, NamedTuple, Protocol
from urllib.parse import urlencode

import urllib3

TIMEOUT_S: Final = 5.0
RETRY_AFTER_MAX_S: Final = 600.0
_TEXT_MAX: Final = 500


@unique
class Outcome(Enum):
    TAKEN = "taken"
    LATER = "later"  # the server is away, busy or broken: again, after a while
    HELD = "held"  # the server does not let us: a person must mend it
    TOO_LARGE = "too large"
    REFUSED = "refused"  # there is something among the lines that it does not take


class Answer(NamedTuple):
    outcome: Outcome
    said: str = ""  # one line
    retry_after_s: float = 0.0


class Transport(Protocol):
    def write(self, lines: bytes) -> Answer: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Target:
    """Where to: ``bucket`` is a database of 1.x, with or without ``/`` and a retention policy."""

    url: str
    bucket: str
    org: str = ""
    token: str = ""  # of 2.x; of 1.x "user:password"
    api: str = "v2"  # or "v1"
    ca_file: str | None = None

    def transport(self) -> Transport:
        return V1(self) if self.api == "v1" else V2(self)


def judge(status: int, body: str, headers: Mapping[str, str] | None) -> Answer:
    """What an HTTP answer means. 2xx: taken; 1.x says 400 for lines it took in part as well."""
    said = f"HTTP {status}: {' '.join(body.split())[:_TEXT_MAX]}"
    if 200 <= status < 300:
        return Answer(Outcome.TAKEN)
    if status in (400, 422):
        return Answer(Outcome.REFUSED, said)
    if status == 413:
        return Answer(Outcome.TOO_LARGE, said)
    if status in (401, 403, 404):
        return Answer(Outcome.HELD, said)
    return Answer(Outcome.LATER, said, _retry_after_s(headers or {}))


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds; a date, which some proxies send, counts as nothing said."""
    text = next((v for k, v in headers.items() if k.lower() == "retry-after"), "")
    try:
        return min(max(float(text), 0.0), RETRY_AFTER_MAX_S)
    except ValueError:
        return 0.0


class V2:
    """``/api/v2/write``."""

    def __init__(self, target: Target) -> None:
        from influxdb_client.client.influxdb_client import InfluxDBClient
        from influxdb_client.client.write_api import SYNCHRONOUS

        self._bucket, self._org = target.bucket, target.org
        self._client = InfluxDBClient(
            target.url,
            token=target.token,
            org=target.org,
            timeout=int(TIMEOUT_S * 1000),
            ssl_ca_cert=target.ca_file,
            # 1.x without its own v2 token scheme, behind a proxy that speaks v2
            auth_basic=":" in target.token,
        )
        self._api = self._client.write_api(write_options=SYNCHRONOUS)

    def write(self, lines: bytes) -> Answer:
        from influxdb_client.rest import ApiException

        try:
            self._api.write(self._bucket, self._org, lines)
        except ApiException as error:
            return judge(error.status or 0, str(error.body or error.reason or ""), error.headers)
        except urllib3.exceptions.HTTPError as error:
            return _unreached(error)
        return Answer(Outcome.TAKEN)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]


class V1:
    """``/write`` of 1.x."""

    def __init__(self, target: Target) -> None:
        database, _, policy = target.bucket.partition("/")
        query = {"db": database, "rp": policy, "precision": "ns"}
        given = urlencode({key: value for key, value in query.items() if value})
        self._url = f"{target.url.rstrip('/')}/write?{given}"
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if target.token:
            user = base64.b64encode(target.token.encode()).decode()
            self._headers["Authorization"] = f"Basic {user}"
        self._pool = urllib3.PoolManager(
            ca_certs=target.ca_file, timeout=TIMEOUT_S, retries=False, num_pools=1
        )

    def write(self, lines: bytes) -> Answer:
        try:
            answer = self._pool.request("POST", self._url, body=lines, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            return _unreached(error)
        text = answer.data.decode(errors="replace")
        return judge(answer.status, text, dict(answer.headers))

    def close(self) -> None:
        self._pool.clear()


def _unreached(error: Exception) -> Answer:
    """No answer: refused, reset, too slow, a certificate that nobody vouches for."""
    return Answer(Outcome.LATER, " ".join(str(error).split())[:_TEXT_MAX])
