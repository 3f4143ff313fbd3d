"""Between the sidecar and influxd: speaks /api/v2/write as 1.8 does, and fails on demand."""

import http.client
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

PRECISIONS = {"ns": "n", "us": "u", "ms": "ms", "s": "s"}


class Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream_port = port
        self.rng = random.Random(seed)
        self.fault = 0  # a status that is answered instead
        self.share = 1.0  # of the requests
        self.after = False  # 1.x was asked before it fails: the answer is lost
        self.body_bytes_max = 1 << 30
        self.failed_n = 0
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(body) > self.server.body_bytes_max:
            self._answer(413, b"too large")
            return
        if self.server.fault and self.server.rng.random() < self.server.share:
            self.server.failed_n += 1
            if self.server.after:
                self._forward(body)
            self._answer(self.server.fault, b"made up")
            return
        self._answer(*self._forward(body))

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        """The rewrite of 1.8 itself: bucket is database/policy, precisions have other names."""
        asked = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        database, _, policy = asked.get("bucket", "").partition("/")
        query = {"db": database, "rp": policy, "precision": PRECISIONS[asked["precision"]]}
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream_port, timeout=20)
        try:
            upstream.request("POST", f"/write?{urlencode(query)}", body)
            answer = upstream.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            return 502, str(error).encode()
        finally:
            upstream.close()

    def _answer(self, status: int, body: bytes) -> None:
        try:
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", str(len(body) if status != 204 else 0))
            self.end_headers()
            if status != 204:
                self.wfile.write(body)
        except OSError:
            self.close_connection = True  # who asked is gone

    def log_message(self, *_: object) -> None:
        pass
