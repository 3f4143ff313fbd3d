"""A stand-in for Grafana's API, as far as `sidecar provision` uses it; it keeps what it is given.

A real one is used instead where GRAFANA_URL and GRAFANA_TOKEN are set.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "glsa_secret"


class StandIn(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kept: dict[str, dict[str, Any]] = {}  # path -> document
        self.asked: list[str] = []
        self.fails_at = ""
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        path = self.path.removeprefix("/api")
        self.server.asked.append(f"{self.command} {path}")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"message": "Invalid API key"})
        elif self.server.fails_at and self.server.fails_at in path:
            self._answer(500, {"message": "made up"})
        else:
            self._answer(*self._do(path, body))

    def _do(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        kept = self.server.kept
        if self.command == "GET":
            return (200, kept[path]) if path in kept else (404, {"message": "not found"})
        if path == "/dashboards/db":
            if not body["overwrite"] or f"/folders/{body['folderUid']}" not in kept:
                return 412, {"message": "exists already, or no folder"}
            kept[f"/dashboards/{body['dashboard']['uid']}"] = body["dashboard"]
            return 200, {"uid": body["dashboard"]["uid"], "status": "success"}
        if self.command == "PUT":
            if path not in kept:
                return 404, {"message": "not found"}
            kept[path] = body
            return 200, body
        where = {
            "/folders": "/folders/{uid}",
            "/datasources": "/datasources/uid/{uid}",
            "/v1/provisioning/alert-rules": "/v1/provisioning/alert-rules/{uid}",
        }[path].format(uid=body["uid"])
        if where in kept:
            return 409, {"message": "exists already"}
        if "alert-rules" in path and not {"folderUID", "ruleGroup", "title", "data"} <= set(body):
            return 400, {"message": "invalid alert rule"}
        kept[where] = body
        return 200, body

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = _serve

    def log_message(self, *_: object) -> None:
        pass


def uids(kept: dict[str, Any], kind: str) -> list[str]:
    return sorted(re.sub(r".*/", "", path) for path in kept if f"/{kind}" in path)
