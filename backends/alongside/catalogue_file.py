"""The catalogue's YAML file: read strictly, kept fresh, never lost to a bad edit."""

from __future__ import annotations

import threading
from pathlib import Path

from pydantic import ValidationError

from alongside import strict_yaml
from alongside.catalogue import Catalogue
from alongside.errors import AlongsideError, CatalogueError
from alongside.requests import invalid

_Signature = tuple[int, int, int, int]


class CatalogueFile:
    """A catalogue that follows its file.

    `current` is the newest good one; while there has been none, it has no profile, so that
    nothing can be launched but everything that runs can be looked after. `problem` says why the
    newest edit is not in use, and is empty when it is. `refresh` looks at the file: by its
    identity, size and time, so that an editor's rename and the swapped symbolic link of a
    Kubernetes ConfigMap are seen too.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.problem = ""
        self._current = Catalogue(profiles={})
        self._signature: _Signature | None = None
        self._lock = threading.Lock()
        self.refresh()

    def current(self) -> Catalogue:
        """The newest good catalogue. Never touches the disk."""
        return self._current

    def fresh(self) -> Catalogue:
        """`refresh`, then `current`: for those who ask now and then."""
        self.refresh()
        return self._current

    def refresh(self) -> bool:
        """Read the file if it has changed; whether what `current` or `problem` say has changed.

        One `stat` when it has not; else reading 1 MiB can take seconds, so not in an event loop.
        """
        with self._lock:
            try:
                signature = _signature(self.path)
                if signature == self._signature:
                    return False
                self._signature = signature
                found = load(self.path)
            except CatalogueError as error:
                changed = str(error) != self.problem
                self.problem = str(error)
                return changed
            except OSError as error:
                self._signature = None
                sentence = f"{self.path} can't be read: {error.strerror}. Put the catalogue there."
                changed = sentence != self.problem
                self.problem = sentence
                return changed
            self._current, self.problem = found, ""
            return True


def _signature(path: Path) -> _Signature:
    stat = path.stat()  # follows links: the target's identity is what changes in a ConfigMap
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def load(path: Path) -> Catalogue:
    """The catalogue in this file. Raises CatalogueError, or OSError when it can't be read."""
    return parse_catalogue(strict_yaml.read(path, CatalogueError), str(path))


def parse_catalogue(text: str, name: str = "catalogue") -> Catalogue:
    """The catalogue in this text; `name` is what errors call it. Raises CatalogueError."""
    content = strict_yaml.load(text, name, CatalogueError)
    if not isinstance(content, dict):
        raise CatalogueError(
            f"{name} has no entries.", "Begin with `profiles:` and a profile below it."
        )
    try:
        return Catalogue.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # a misspelt key comes first: it explains why another one is missing
        first_place = min(range(len(found)), key=lambda i: found[i]["type"] != "extra_forbidden")
        first = invalid([found[first_place]]).errors[0]
        place = strict_yaml.line_of(text, found[first_place]["loc"])
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise CatalogueError(
            f"{name}, line {place}: {first.message}{more}", first.remedy, first.field
        ) from None
    except AlongsideError as error:
        raise CatalogueError(f"{name}: {error.message}", error.remedy, error.field) from None
