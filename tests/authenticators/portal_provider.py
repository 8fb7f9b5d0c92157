"""An OpenID provider on loopback: asks for a name once, and knows the browser from then on."""

from __future__ import annotations

import base64
import html
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.authenticators.key_sets import KeySet
from tests.spawners.live_hub import until

KNOWN = "known-to-the-provider"


@contextmanager
def served(routes: list[Route]) -> Iterator[str]:
    """The address of an application with these pages, while the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            Starlette(routes=routes),
            log_level="critical",
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until(lambda: server.started or not thread.is_alive(), "the pages are served")
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


@dataclass
class Provider:
    """Its pages, signed for with `keys`.

    clients : the secret of each client, by its id
    life : seconds that an ID token is good for
    asked : how often somebody was asked for their name
    """

    keys: KeySet
    clients: dict[str, str]
    life: int = 300
    url: str = ""
    asked: int = 0
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @contextmanager
    def open(self) -> Iterator[Provider]:
        """It is there while the block lasts; `url` is also its name as issuer."""
        pages = [
            Route("/.well-known/openid-configuration", self._about),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
        ]
        with served(pages) as self.url:
            yield self

    async def _about(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": self.keys.url,
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "scopes_supported": ["openid", "profile", "email"],
            }
        )

    async def _authorize(self, request: Request) -> Response:
        """A form that asks for a name; with one, or for a known browser, the way back."""
        said = dict(request.query_params)
        name = said.pop("name", "") or request.cookies.get(KNOWN, "")
        if not name:
            self.asked += 1
            fields = "".join(
                f'<input type="hidden" name="{html.escape(key)}" value="{html.escape(value)}">'
                for key, value in said.items()
            )
            return HTMLResponse(
                f"""<!doctype html><html lang="en"><title>Portal</title><h1>Portal</h1>
                <form><label>Name <input name="name"></label>{fields}<button>Enter</button></form>
                </html>"""
            )
        assert said["client_id"] in self.clients
        code = secrets.token_urlsafe()
        self._codes[code] = said | {"name": name}
        back = urlencode({"code": code, "state": said.get("state", "")})
        answer = RedirectResponse(f"{said['redirect_uri']}?{back}", 302)
        answer.set_cookie(KNOWN, name)
        return answer

    async def _token(self, request: Request) -> Response:
        """The ID token for a code, which is good once, and for whom it was given to."""
        body = {key: values[0] for key, values in parse_qs((await request.body()).decode()).items()}
        _, _, basic = request.headers.get("authorization", "").partition(" ")
        client, _, secret = map(unquote, base64.b64decode(basic).decode().partition(":"))
        asked = self._codes.pop(body.get("code", ""), {})
        fitting = (asked.get("client_id"), asked.get("redirect_uri"))
        if fitting != (client, body.get("redirect_uri")) or self.clients.get(client) != secret:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        token = self.keys.token(
            f"id-of-{asked['name']}",
            iss=self.url,
            aud=client,
            iat=now,
            exp=now + self.life,
            nonce=asked.get("nonce"),
            preferred_username=asked["name"],
            email=f"{asked['name']}@portal.example",
            email_verified=True,
        )
        return JSONResponse(
            {"access_token": "of no use", "token_type": "Bearer", "expires_in": self.life}
            | {"id_token": token},
            headers={"Cache-Control": "no-store"},
        )
