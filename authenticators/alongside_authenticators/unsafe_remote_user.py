"""For hubs behind a web server that sets `REMOTE_USER`, as before, by one line:

    c.JupyterHub.authenticator_class = (
        "alongside_authenticators.unsafe_remote_user.RemoteUserAuthenticator"
    )

Nobody signs anything. Who can connect to the hub's proxy or to the hub itself from the machine of
the web server can be anybody, and sessions on that machine can.
"""

from __future__ import annotations

from traitlets import Unicode, default

from alongside_authenticators.header import HeaderAuthenticator


class RemoteUserAuthenticator(HeaderAuthenticator):
    """Believes a header that the web server on this machine, or at `proxy_addresses`, sets."""

    header_name = Unicode("REMOTE_USER", help="The header with the user's name.").tag(config=True)

    @default("unsafe_plain_headers")
    def _unsafe_plain_headers_default(self) -> bool:
        return True

    @default("proxy_addresses")
    def _proxy_addresses_default(self) -> list[str]:
        return ["127.0.0.1", "::1"]

    @default("allowed_headers")
    def _allowed_headers_default(self) -> dict[str, str]:
        return {"auth": self.header_name}

    @default("enable_auth_state")
    def _enable_auth_state_default(self) -> bool:
        return False
