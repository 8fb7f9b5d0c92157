"""A portal's keys: it makes them, signs with them, and publishes the public ones by HTTP."""

from __future__ import annotations

import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

ISSUER = "https://portal.example"
AUDIENCE = "the-hub"


class KeySet:
    """Keys by name, the last one signs. Use as a context manager; `url` is where they are.

    asked : how often somebody has fetched them
    broken : answers 500 instead
    """

    def __init__(self) -> None:
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.hidden: set[str] = set()
        self.asked = 0
        self.broken = False
        self.rotate()
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_response(500 if outer.broken else 200)
                self.end_headers()
                self.wfile.write(json.dumps(outer.published()).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/keys"

    def __enter__(self) -> KeySet:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def rotate(self) -> str:
        """A new key, with which is signed from now on; its name."""
        name = f"key-{len(self.keys)}"
        self.keys[name] = ec.generate_private_key(ec.SECP256R1())
        return name

    def published(self) -> dict[str, Any]:
        """The document with the public keys."""
        return {
            "keys": [
                {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig"}
                for name, key in self.keys.items()
                if name not in self.hidden
            ]
        }

    def token(
        self, user: str = "ada", *, key: str = "", head: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """A token of this user; a claim that is None is left out."""
        name = key or list(self.keys)[-1]
        said = payload(user, **claims)
        return jwt.encode(said, self.keys[name], "ES256", headers={"kid": name, **(head or {})})


def payload(user: str, **claims: Any) -> dict[str, Any]:
    """The claims of a token."""
    now = time.time()
    said = {
        "sub": user,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 60,
        "jti": uuid.uuid4().hex,
        **claims,
    }
    return {name: value for name, value in said.items() if value is not None}
