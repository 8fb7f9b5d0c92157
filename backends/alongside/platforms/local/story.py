"""The status of a backend as its supervisor tells it, written when it changes."""

from __future__ import annotations

import logging

from alongside.models import Status
from alongside.platforms import story
from alongside.platforms.local.home import Folder

_log = logging.getLogger("alongside.supervisor")


class Story(story.Story):
    """Keeps the status and writes it when it differs from what is on disk.

    A full disk does not end a backend: the write is tried again with the next `save`.
    """

    def __init__(self, folder: Folder, status: Status) -> None:
        super().__init__(status)
        self._folder = folder
        self._written: Status | None = None
        self._failing = False

    def save(self, *, again: bool = False) -> None:
        """Write the status if it has changed, or `again`, in case the file has been spoilt."""
        if self.status == self._written and not again:
            return
        try:
            self._folder.save_status(self.status)
        except OSError as error:
            if not self._failing:
                _log.warning("The status can't be written: %s", error)
            self._failing = True
        else:
            self._failing = False
            self._written = self.status
