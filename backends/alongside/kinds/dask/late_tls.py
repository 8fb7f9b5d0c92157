"""A TLS context that gets its certificates after it has been handed out."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path


class LateContext(ssl.SSLContext):
    """Client side, mutual authentication, a certificate authority for each cluster.

    Until `fill` has been called it trusts nobody.
    """

    def __new__(cls) -> LateContext:
        """An empty context."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self) -> None:
        super().__init__()
        self.minimum_version = ssl.TLSVersion.TLSv1_2
        # the authority signs for one cluster only, whatever the address it is reached at
        self.check_hostname = False
        self.verify_mode = ssl.CERT_REQUIRED

    def fill(self, credentials: Mapping[str, str]) -> None:
        """Take over `ca`, `cert` and `key`, PEM text each."""
        self.load_verify_locations(cadata=credentials["ca"])
        # OpenSSL reads certificate and key from files only; both are in a directory of mode 0700
        with tempfile.TemporaryDirectory() as directory:
            both = Path(directory, "client.pem")
            both.touch(mode=0o600)
            both.write_text(f"{credentials['key'].strip()}\n{credentials['cert']}")
            self.load_cert_chain(both)
