"""An entry in a directory before a session starts: looked up, created or brought up to date.

    from alongside_authenticators.ldap import LdapEntry, before_spawn

    c.Spawner.pre_spawn_hook = before_spawn(LdapEntry)
    c.LdapEntry.url = "ldaps://ldap.example.org"

`step` is the settings, `ensuring` the order of things, `connection` speaks to the directory,
`messages` is the protocol's bytes, `identity` what is known of a user, `entries`, `templates` and
`filters` say what an entry should be, `counters` gives numbers, `hooks` joins several steps.
"""

from alongside_authenticators.ldap.errors import LdapError, Refusal
from alongside_authenticators.ldap.hooks import before_spawn
from alongside_authenticators.ldap.step import LdapEntry

__all__ = ["LdapEntry", "LdapError", "Refusal", "before_spawn"]
