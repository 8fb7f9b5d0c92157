"""``alongside/backends/{id}/trust``: the user's word that somebody else's dashboard may be shown.

The pages of a backend are made by its owner, and run on this session's address, where they could
act as whoever looks at them. A link must not be enough for that: the panel asks, and says so here.
"""

from __future__ import annotations

from http import HTTPStatus

from jupyter_server.auth.decorator import authorized
from tornado import web

from alongside_lab.handlers import Handler


class Trust(Handler):
    """Remembers, for as long as the server lives, that this backend's pages may be shown."""

    @web.authenticated
    @authorized
    async def post(self, id: str) -> None:
        """The user was asked, and wants to see them."""
        self.surroundings.trusted.add(id)
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()
