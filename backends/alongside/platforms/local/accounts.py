"""Unix accounts: whose what is started becomes, where the service is root."""

from __future__ import annotations

import os
import pwd

from alongside.errors import InvalidRequest, NotAllowed

Account = tuple[int, int] | None
"""User and group id of a Unix account, None for our own."""


def account_of(name: str, noun: str) -> Account:
    """Who something belongs to; None is ourselves, as always when we aren't root.

    `noun`: what it is, for messages. Raises InvalidRequest, NotAllowed.
    """
    if not name or os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise InvalidRequest(
            f"There is no Unix account {name[:63]!r}.",
            "Ask an administrator to create it.",
            "account",
        ) from None
    if entry.pw_uid == 0:  # a user of the hub may be called root and is nobody's superuser
        raise NotAllowed(
            f"{noun.capitalize()}s of the superuser are not started.", "Log in under another name."
        )
    return entry.pw_uid, entry.pw_gid


def account_environment(account: str) -> dict[str, str]:
    """The environment variables that say who and where an account is."""
    entry = pwd.getpwnam(account)
    return {
        "HOME": entry.pw_dir,
        "LOGNAME": entry.pw_name,
        "SHELL": entry.pw_shell,
        "USER": entry.pw_name,
    }


def account_groups(account: str) -> list[int]:
    """All group ids of an account."""
    return os.getgrouplist(account, pwd.getpwnam(account).pw_gid)


__all__ = ["Account", "account_environment", "account_groups", "account_of"]
