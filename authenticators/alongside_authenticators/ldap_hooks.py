"""Configurations written for `ldap_hooks`, by the step of `alongside_authenticators.ldap`.

    from alongside_authenticators.ldap_hooks import LDAP, setup_ldap_entry_hook

    c.Spawner.pre_spawn_hook = setup_ldap_entry_hook

Its settings count as class attributes (`LDAP.url = …`) and as `c.LDAP.url`. They amount to those of
`LdapEntry`, all of which `LDAP` has, too: to speak without TLS, say, has to be asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from traitlets import Dict, List, TraitError, Tuple, Unicode

from alongside_authenticators.ldap.errors import LdapError, Misconfigured, Refusal, Unusable
from alongside_authenticators.ldap.hooks import before_spawn
from alongside_authenticators.ldap.identity import SUBJECT, subject_parts
from alongside_authenticators.ldap.step import LdapEntry
from alongside_authenticators.ldap.templates import checked

LDAP_SEARCH_ATTRIBUTE_QUERY = "search"
LDAP_FIRST_SEARCH_ATTRIBUTE_QUERY = "first search"
SPAWNER_SUBMIT_DATA = "submitted"
SPAWNER_ATTRIBUTE = "spawner"
SPAWNER_USER_ATTRIBUTE = "user"
INCREMENT_ATTRIBUTE = "increment"
SUBJECT_PARTS = frozenset(
    {"c", "st", "l", "street", "o", "ou", "dc", "cn", "sn", "givenname", "title", "serialnumber"}
    | {"emailaddress"}
)
"""What an entry may take from a subject: who writes subjects gives people no numbers or keys."""
_SEARCHES = (LDAP_SEARCH_ATTRIBUTE_QUERY, LDAP_FIRST_SEARCH_ATTRIBUTE_QUERY)


class LDAP(LdapEntry):
    """The step before a session, with the settings of `ldap_hooks`."""

    user = Unicode(help="""The name that the hub logs in with: `bind_dn`.""").tag(config=True)

    submit_spawner_attribute = Unicode(
        "user.data",
        help="""Where the user's subject is: `user.` and a name of what is kept of them in
        auth_state.""",
    ).tag(config=True)

    submit_spawner_attribute_keys = Tuple(
        help="""The keys that lead to the subject within that, as `("User", "CERT")`."""
    ).tag(config=True)

    replace_object_with = Dict(
        default_value={"/": "+"},
        help="""How a subject becomes the name of an entry: only `{"/": "+"}`, which makes all its
        parts one name below `base_dn`. Values are escaped.""",
    ).tag(config=True)

    dynamic_attributes = Dict(
        help="""Where values for templates come from: `SPAWNER_SUBMIT_DATA` (a part of the
        subject), `LDAP_FIRST_SEARCH_ATTRIBUTE_QUERY` and `LDAP_SEARCH_ATTRIBUTE_QUERY` (the query
        of `search_attribute_queries` that names it), `SPAWNER_ATTRIBUTE`,
        `SPAWNER_USER_ATTRIBUTE`. A `uid` that no query names is the user's name at the hub."""
    ).tag(config=True)

    unique_object_attributes = List(
        Unicode(), help="""The attributes that a user's entry is found by: `identity`."""
    ).tag(config=True)

    search_attribute_queries = List(
        Dict(),
        help="""Queries with `search_base`, `search_filter` and `attributes`: `lookups`.""",
    ).tag(config=True)

    search_result_operations = Dict(
        help="""Which values are counted up and where, as `{"uidNumber": {"action":
        INCREMENT_ATTRIBUTE, "modify_dn": "cn=uidNext,dc=example,dc=org"}}`: `allocate`."""
    ).tag(config=True)

    object_attributes = Dict(
        help="""Attributes of an entry beside the parts of the subject: `attributes`."""
    ).tag(config=True)

    async def run(self, earlier: Mapping[str, str] | None = None) -> dict[str, str]:
        """Do it with the settings of `LdapEntry` that these amount to."""
        spawner: Any = self.parent
        try:
            parts = await self._subject(spawner.user)
            values = dict(earlier or {}) | self._values(spawner, parts)
            self._take(self._settings(parts))
        except LdapError as error:
            raise self._refusal("know who you are", error) from None
        return await super().run(values)

    def prepare(self) -> Collection[str]:
        """With a subject that has all parts."""
        self._take(self._settings(dict.fromkeys(SUBJECT_PARTS, "")))
        self._source()
        for name, method in self.dynamic_attributes.items():
            self._refuse_method(name, method)
        later = {*self.lookups, *self.allocate}
        return {SUBJECT, *(name for name in self.dynamic_attributes if name not in later)}

    def _take(self, settings: Mapping[str, Any]) -> None:
        try:
            for name, value in settings.items():
                setattr(self, name, value)
        except TraitError as error:
            raise Misconfigured(str(error)) from None

    def _source(self) -> str:
        """What of the auth_state has the subject."""
        kind, _, name = self.submit_spawner_attribute.partition(".")
        if kind != "user" or not name:
            raise Misconfigured("submit_spawner_attribute has to be user. and a name.")
        return name

    async def _subject(self, user: Any) -> dict[str, str]:
        """The parts of the subject that was submitted."""
        name = self._source()
        value: Any = await user.get_auth_state()
        for key in (name, *self.submit_spawner_attribute_keys):
            value = value.get(key) if isinstance(value, dict) else None
        found = subject_parts(checked("certificate", value))
        for key in found:
            if key.lower() not in SUBJECT_PARTS:
                raise Unusable(f"Your certificate's subject has a part {key}, which can't be used.")
        return {key: checked(key, part) for key, part in found.items()}

    def _values(self, spawner: Any, parts: Mapping[str, str]) -> dict[str, str]:
        """What templates are filled with before the directory is asked."""
        values = {f"{SUBJECT}{key}": part for key, part in parts.items()}
        lower = {key.lower(): part for key, part in parts.items()}
        sources = {SPAWNER_ATTRIBUTE: spawner, SPAWNER_USER_ATTRIBUTE: spawner.user}
        for name, method in self.dynamic_attributes.items():
            self._refuse_method(name, method)
            if method == SPAWNER_SUBMIT_DATA:
                values[name] = checked(name, lower.get(name.lower()))
            elif method in sources:
                values[name] = checked(name, getattr(sources[method], name, None))
            elif self._query(name) is None:
                values[name] = checked(name, spawner.user.name)
        return values

    def _refuse_method(self, name: str, method: object) -> None:
        known = (*_SEARCHES, SPAWNER_SUBMIT_DATA, SPAWNER_ATTRIBUTE, SPAWNER_USER_ATTRIBUTE)
        if method not in known:
            raise Misconfigured(f"dynamic_attributes has no method of {name} that is known.")
        if method in _SEARCHES and name != "uid" and self._query(name) is None:
            raise Misconfigured(f"No query of search_attribute_queries names {name}.")

    def _query(self, name: str) -> dict[str, Any] | None:
        found = (one for one in self.search_attribute_queries if name in one.get("attributes", ()))
        return next(found, None)

    def _settings(self, parts: Mapping[str, str]) -> dict[str, Any]:
        """The settings of `LdapEntry` that these amount to."""
        if self.replace_object_with != {"/": "+"}:
            raise Misconfigured('replace_object_with has to be {"/": "+"}.')
        counters = {}
        for name, operation in self.search_result_operations.items():
            operation = operation if isinstance(operation, dict) else {}
            if operation.get("action") != INCREMENT_ATTRIBUTE or "modify_dn" not in operation:
                raise Misconfigured(f"search_result_operations has no action for {name}.")
            counters[name] = operation["modify_dn"]
        lookups = {}
        for name, method in self.dynamic_attributes.items():
            query = self._query(name) if method in _SEARCHES and name not in counters else None
            if query is not None:
                base = query.get("search_base", self.base_dn)
                text = query.get("search_filter", "")
                lookups[name] = {"filter": text, "attribute": name, "base": base}
        own = {name.lower() for name in self.object_attributes}
        subject = {k: f"{{{SUBJECT}{k}}}" for k in parts if k.lower() not in own}
        named = "+".join(f"{key}={{{SUBJECT}{key}}}" for key in parts)
        return {
            "url": self.url if "://" in self.url else f"ldap://{self.url}",
            "bind_dn": self.user or self.bind_dn,
            "dn": f"{named},{self.base_dn}",
            "attributes": subject | self.object_attributes,
            "identity": self.unique_object_attributes,
            "allocate": counters,
            "lookups": lookups,
        }


def hello_hook(spawner: Any) -> None:
    """Says hello in the hub's log."""
    spawner.log.info("Hello World")


setup_ldap_entry_hook = before_spawn(LDAP)

__all__ = [
    "INCREMENT_ATTRIBUTE",
    "LDAP",
    "LDAP_FIRST_SEARCH_ATTRIBUTE_QUERY",
    "LDAP_SEARCH_ATTRIBUTE_QUERY",
    "SPAWNER_ATTRIBUTE",
    "SPAWNER_SUBMIT_DATA",
    "SPAWNER_USER_ATTRIBUTE",
    "Refusal",
    "hello_hook",
    "setup_ldap_entry_hook",
]
