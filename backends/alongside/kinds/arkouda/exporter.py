"""Beside an Arkouda server: is it ready, what does it do, in figures; for Kubernetes, our service
and Prometheus.

``python -m alongside.kinds.arkouda.exporter --server HOST:PORT`` answers on ``/ready`` (200 once
the server has answered, for as long as it runs: one that works for long is not dead), ``/state``
(JSON) and ``/metrics``.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from alongside.kinds.arkouda.flags import EXPORTER_PORT, METRICS_PORT, STATUS_PORT
from alongside.kinds.arkouda.lookout import Lookout, Target


class Collector:
    """A lookout as Prometheus' library wants it."""

    def __init__(self, lookout: Lookout) -> None:
        self._lookout = lookout

    def collect(self) -> Any:
        return self._lookout.figures.gauges(time.time())


class Handler(BaseHTTPRequestHandler):
    """Answers from what the lookout saw last: no question waits for the server."""

    lookout: ClassVar[Lookout]
    registry: ClassVar[CollectorRegistry]
    timeout = 10
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        figures = self.lookout.figures
        match self.path.partition("?")[0]:
            case "/ready" if figures.ready:
                self._send(HTTPStatus.OK, "text/plain", b"ready\n")
            case "/ready":
                text = b"The Arkouda server has not answered yet.\n"
                self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", text)
            case "/state":
                body = json.dumps(figures.state()).encode()
                self._send(HTTPStatus.OK, "application/json", body)
            case "/metrics":
                self._send(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self.registry))
            case _:
                text = b"There is /ready, /state and /metrics.\n"
                self._send(HTTPStatus.NOT_FOUND, "text/plain", text)

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Probes come every second: they are not worth a line."""


def serve(lookout: Lookout, port: int) -> ThreadingHTTPServer:
    """A server of the lookout's figures, bound and not started. Raises OSError."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(lookout))
    handler = type("Answers", (Handler,), {"lookout": lookout, "registry": registry})
    server = ThreadingHTTPServer(("", port), handler)
    server.daemon_threads = True
    return server


def _parsed(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m alongside.kinds.arkouda.exporter",
        description="Tells Prometheus, Kubernetes and people how an Arkouda server is.",
    )
    parser.add_argument(
        "--server", required=True, metavar="HOST:PORT", help="the Arkouda server; port 0: not known"
    )
    parser.add_argument("--token-file", type=Path, help="a file with the server's token")
    parser.add_argument(
        "--status", type=int, default=STATUS_PORT, help="its status port; 0: it has none"
    )
    parser.add_argument(
        "--metrics", type=int, default=METRICS_PORT, help="its metrics port; 0: it has none"
    )
    parser.add_argument("--name", default="arkouda", help="its name, a label of all figures")
    parser.add_argument("--launcher", default="slurm", help="where it runs, a label of all figures")
    parser.add_argument("--memory", type=int, default=0, help="bytes of each locale, if known")
    parser.add_argument("--port", type=int, default=EXPORTER_PORT, help="port to answer on")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Watch and answer until a signal comes; the exit status."""
    given = _parsed(words)
    host, _, port = str(given.server).rpartition(":")
    if not host or not port.isdecimal():
        print("Write --server as HOST:PORT.", file=sys.stderr)  # noqa: T201 - a command's answer
        return 2
    lookout = Lookout(
        Target(
            host.strip("[]"),
            int(port),
            given.status,
            given.metrics,
            given.token_file,
            given.name,
            given.launcher,
            given.memory,
        )
    )
    server = serve(lookout, given.port)
    for number in (signal.SIGTERM, signal.SIGINT):
        # Shutting down waits for the loop below, which this interrupts.
        signal.signal(
            number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start()
        )
    threading.Thread(target=lookout.run, daemon=True).start()
    with server:
        server.serve_forever(poll_interval=0.5)
    lookout.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
