"""Both ends of a connection in one process: real records between them."""

from appliance.cold.live.rehearsal_tls import Pairs


def test_bytes_both_ways() -> None:
    pairs = Pairs()
    for _ in range(2):
        near, tls, far = pairs.make()
        with near, far:
            far.sendall(b"from the venue")
            assert tls.receive(near, 100) == b"from the venue"
            tls.send(near, b"to the venue")
            assert far.recv(100) == b"to the venue"
            assert far.version() == "TLSv1.3"
        tls.close()
