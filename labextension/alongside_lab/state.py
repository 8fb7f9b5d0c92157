"""``alongside/state``: what the browser begins with."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from alongside_lab.handlers import Handler


class State(Handler):
    """The mirror and where it stands among the events."""

    _track_activity = False  # the panel asks, not a person

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Everything that the events go on from."""
        self.surroundings.want()
        document = {**self.news.document(), **self.surroundings.document()}
        self.answer(document, type="application/json")
