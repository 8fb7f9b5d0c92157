"""Public errors: what went wrong, in a sentence, and what to do about it.

Every error that a person may see is an `AlongsideError`. Anything else that escapes is a bug and
is logged with its trace. The service turns these into problem details (RFC 9457), the form and
the command line print `message` and `remedy`.
"""

from __future__ import annotations

from typing import ClassVar


class AlongsideError(Exception):
    """A failure that its reader can understand and act on.

    Attributes
    ----------
    message : one sentence that says what is wrong
    remedy : one sentence that says what to do, may be empty
    field : dotted path of the input that is to blame, empty when none is
    code : kebab-case word, stable over releases, that programs may compare
    status : the HTTP status that the service answers with
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, remedy: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.field = field

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def problem(self) -> dict[str, object]:
        """The problem details document of this error."""
        document: dict[str, object] = {
            "type": f"urn:alongside:problem:{self.code}",
            "title": self.code.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.message,
        }
        if self.remedy:
            document["remedy"] = self.remedy
        if self.field:
            document["field"] = self.field
        return document


class InvalidRequest(AlongsideError):
    """The request names something unknown or a value that can't be."""

    code = "invalid-request"
    status = 422


class InvalidFields(InvalidRequest):
    """Several values are wrong; `errors` has one entry each."""

    code = "invalid-fields"

    def __init__(self, errors: list[InvalidRequest]) -> None:
        first = errors[0]
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(first.message + more, first.remedy, first.field)
        self.errors = errors

    def problem(self) -> dict[str, object]:
        listed = [{"field": e.field, "message": e.message, "remedy": e.remedy} for e in self.errors]
        return super().problem() | {"errors": listed}


class NotAuthenticated(AlongsideError):
    """No token, or one that the hub does not know (any more)."""

    code = "not-authenticated"
    status = 401


class NotAllowed(AlongsideError):
    """The user is known but may not do this."""

    code = "not-allowed"
    status = 403


class NotFound(AlongsideError):
    """No such thing, or none that this user may see: the answer is the same."""

    code = "not-found"
    status = 404


class Conflict(AlongsideError):
    """The request fits, but not the present state (a name in use, a backend that is ending).

    `backend` is the id of the backend that is in the way, empty when none is.
    """

    code = "conflict"
    status = 409

    def __init__(self, message: str, remedy: str = "", field: str = "", backend: str = "") -> None:
        super().__init__(message, remedy, field)
        self.backend = backend

    def problem(self) -> dict[str, object]:
        return super().problem() | ({"backend": self.backend} if self.backend else {})


class QuotaExceeded(AlongsideError):
    """More than the user's quota leaves."""

    code = "quota-exceeded"
    status = 403


class CapacityExceeded(AlongsideError):
    """More than the platform has, now or at all."""

    code = "capacity-exceeded"
    status = 409


class NotReady(AlongsideError):
    """Not yet: the thing exists but can't be used before it has started."""

    code = "not-ready"
    status = 409


class StorageFailed(AlongsideError):
    """State could not be written (a full disk, a directory without permission)."""

    code = "storage-failed"
    status = 507


class CatalogueError(AlongsideError):
    """The catalogue file can't be used; says file, place and remedy."""

    code = "catalogue-error"
    status = 500


class Unavailable(AlongsideError):
    """Something that is needed does not answer at the moment; trying again later may help."""

    code = "unavailable"
    status = 503
