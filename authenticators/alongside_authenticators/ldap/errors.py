"""What can go wrong with a directory, and how the hub is told of it.

`LdapError` is what the modules here raise; the step that ran when it happened turns it into a
`Refusal`, which JupyterHub shows to the person whose session isn't started.
"""

from __future__ import annotations

from alongside_authenticators.refusals import SpawnRefused


class LdapError(Exception):
    """The directory, its settings or a value stand in the way of an entry.

    Attributes
    ----------
    message : one sentence for the person who waits for a session
    remedy : what to do, may be empty
    detail : what only the hub's log says, such as the server's own words
    status : the HTTP status that the hub answers with
    """

    def __init__(self, message: str, remedy: str = "", detail: str = "", status: int = 503) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.detail = detail
        self.status = status


class Misconfigured(LdapError):
    """A setting is missing or can't be."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "The hub's administrator can correct this in its configuration.")


class Unusable(LdapError):
    """What is known of the user can't become an entry."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy or "Ask the hub's administrator.", status=403)


class ResultError(LdapError):
    """The directory's answer to one operation, by its number and name of RFC 4511, 4.1.9."""

    def __init__(self, code: int, name: str, diagnostic: str) -> None:
        words = "".join(f" {c.lower()}" if c.isupper() else c for c in name)
        super().__init__(f"The directory answered: {words}.", _REMEDIES.get(name, ""), diagnostic)
        self.code = code


_REMEDIES = {
    "invalidCredentials": "The hub's administrator has to check its name and password there.",
    "insufficientAccessRights": "The hub's administrator has to give the hub more rights there.",
    "confidentialityRequired": "The hub's administrator has to use TLS for it.",
    "referral": "The hub's administrator has to name a server that may be written to.",
    "constraintViolation": "Another entry may hold one of its values already.",
    "objectClassViolation": "The hub's administrator has to compare attributes and classes.",
    "busy": "Try again in a moment.",
    "unavailable": "Try again in a moment.",
}


class Refusal(SpawnRefused):
    """A session that isn't started; `step` is what couldn't be done."""

    def __init__(self, step: str, error: LdapError) -> None:
        told = f"No session was started, because the user directory failed at “{step}”."
        text = f"{told} {error.message} {error.remedy}".strip()
        super().__init__(text, "directory", error.status)
        self.step = step
