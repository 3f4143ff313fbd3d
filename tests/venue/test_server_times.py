"""What ends a connection: no pong, too many messages, its age, a server that goes."""

import pytest

from appliance.cold.venue.connection import Times
from tests.venue.conftest import OpenVenue
from tests.venue.raw_client import RawClient
from tests.venue.running_venue import RunningVenue

SPOT, USDM, SPOT_API, USDM_API = "/ws", "/public/ws", "/ws-api/v3", "/ws-fapi/v1"
EVERY = pytest.mark.parametrize("path", [SPOT, USDM, SPOT_API, USDM_API])
STREAMS = pytest.mark.parametrize(("path", "most"), [(SPOT, 5), (USDM, 10)])
TEXT = '{"method":"LIST_SUBSCRIPTIONS","id":1}'


@EVERY
def test_pings_with_a_payload_and_who_does_not_answer_is_cut(
    open_venue: OpenVenue, path: str
) -> None:
    # pongs count as messages, of which spot takes five a second
    venue = open_venue(times=Times(ping_s=0.3, pong_s=3.0))
    with RawClient(venue, path, pongs=False) as mute:
        mute.drain()
        assert (mute.close_code, mute.close_reason) == (1001, "Pong timeout")
        assert mute.pings, "a venue that is held up may cut after the first"
        assert all(len(payload) == 13 and payload.isdigit() for payload in mute.pings)
    with RawClient(venue, path) as good:
        while len(good.pings) < 8:
            assert good.frame() is not None, "one that answers lives on"


def test_a_pong_must_carry_the_payload(open_venue: OpenVenue) -> None:
    venue = open_venue(times=Times(ping_s=0.3, pong_s=0.5))
    with RawClient(venue, SPOT, pongs=False) as client:
        while client.frame() is not None:
            client.pong(b"something else")
        assert client.close_reason == "Pong timeout"
        assert client.pings


def test_a_late_pong_is_a_pong(open_venue: OpenVenue) -> None:
    """An answer to any ping that is still waited for."""
    venue = open_venue(times=Times(ping_s=0.2, pong_s=10.0))
    with RawClient(venue, SPOT, pongs=False) as client:
        for wanted in (3, 6, 9):
            while len(client.pings) < wanted:
                assert client.frame() is not None
            client.pong(client.pings[wanted - 2])


@EVERY
def test_a_clients_ping_is_answered_with_its_payload(venue: RunningVenue, path: str) -> None:
    with RawClient(venue, path) as client:
        client.ping(b"are you there")
        frame = client.frame()
        assert frame is not None and frame.opcode == 0xA and bytes(frame.data) == b"are you there"


def send_some(client: RawClient, count: int, kind: str) -> None:
    for _ in range(count):
        if kind == "text":
            client.send(TEXT)
        elif kind == "ping":
            client.ping(b"")
        else:
            client.pong(b"")


@STREAMS
@pytest.mark.parametrize("kind", ["text", "ping", "pong"])
def test_too_many_messages_in_a_second(
    venue: RunningVenue, path: str, most: int, kind: str
) -> None:
    """Text, pings and pongs count alike. Over two seconds of the clock, one has too many."""
    with RawClient(venue, path) as client:
        send_some(client, 2 * most + 1, kind)
        client.drain()
        assert (client.close_code, client.close_reason) == (1008, "Too many requests")


@STREAMS
def test_as_many_as_are_allowed(venue: RunningVenue, path: str, most: int) -> None:
    with RawClient(venue, path) as client:
        send_some(client, most, "text")
        for _ in range(most):
            assert client.message() == {"result": [], "id": 1}


def test_the_websocket_api_counts_weight_instead(venue: RunningVenue) -> None:
    with RawClient(venue, SPOT_API) as client:
        for number in range(12):
            client.send({"id": number, "method": "ping"})
        assert [client.message()["id"] for _ in range(12)] == list(range(12))


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/ws/btcusdt@trade", "raw"),
        ("/stream?streams=btcusdt@trade", "combined"),
        ("/public/ws/btcusdt@bookTicker", "raw"),
        ("/public/stream?streams=btcusdt@bookTicker", "combined"),
        (SPOT_API, "api"),
        (USDM_API, "api"),
    ],
)
def test_server_shutdown(open_venue: OpenVenue, path: str, form: str) -> None:
    """First the notice, in the form of its connection; then the end."""
    venue = open_venue(times=Times(notice_s=0.2))
    with RawClient(venue, path) as client:
        assert venue.post("/venue/shutdown", {}) == {"connections": 1}
        notice = client.until(lambda m: "serverShutdown" in str(m))
        if form == "combined":
            assert set(notice) == {"stream", "data"} and notice["stream"] == "!serverShutdown"
            notice = notice["data"]
        elif form == "api":
            assert set(notice) == {"event"}
            notice = notice["event"]
        assert set(notice) == {"e", "E"} and len(str(notice["E"])) == 13
        client.drain()
        assert client.close_code == 1001
    with RawClient(venue, path) as again:
        assert not again.over, "a new connection is served at once"


@EVERY
def test_no_connection_lives_for_ever(open_venue: OpenVenue, path: str) -> None:
    """24 h at the venue; here less. The notice comes first."""
    venue = open_venue(times=Times(life_s=0.6, notice_s=0.3))
    with RawClient(venue, path) as client:
        assert "serverShutdown" in str(client.message())
        client.drain()
        assert (client.close_code, client.close_reason) == (1001, "disconnected")


def test_stopping_ends_every_connection(open_venue: OpenVenue) -> None:
    venue = open_venue()
    clients = [RawClient(venue, path) for path in (SPOT, USDM, SPOT_API, USDM_API)]
    stopping = venue.begin(venue.server.stop())
    for client in clients:
        with client:
            client.drain()
            assert client.close_code == 1001
    stopping.result(10)
