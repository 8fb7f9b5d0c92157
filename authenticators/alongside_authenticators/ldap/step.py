"""The step itself: its settings, its limit of time, and what the session is given in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Container, Mapping
from pathlib import Path
from typing import Any, Self

from traitlets import Bool, Dict, Float, Int, List, TraitError, Unicode, Union
from traitlets.config import LoggingConfigurable

from alongside_authenticators.handing_over import hand_over, names_in
from alongside_authenticators.ldap.connection import Server, connected
from alongside_authenticators.ldap.ensuring import Ensuring
from alongside_authenticators.ldap.entries import Shape
from alongside_authenticators.ldap.errors import LdapError, Misconfigured, Refusal
from alongside_authenticators.ldap.identity import NAME, SUBJECT, identity
from alongside_authenticators.ldap.user_ids import can_be_a_user

UID = "uidNumber"
#: Attributes that settings of spawners want as numbers.
NUMBERS = frozenset({UID, "gidNumber"})


class LdapEntry(LoggingConfigurable):
    """Sees to it that a user has a valid entry in a directory before a session starts.

    Whatever stands in the way refuses the session and is told by the name of what was being done.
    Subclasses have settings of their own, under their own name, for a second entry or directory.
    """

    url = Unicode(
        help="""Where the directory is: `ldaps://host[:port]`, or `ldap://host[:port]`, where TLS
        begins by StartTLS before anything else is said. The certificate is always checked, its
        name too."""
    ).tag(config=True)

    unsafe_plain = Bool(
        False,
        help="""Speak without TLS to an `ldap://` address. Passwords and entries are then open to
        whoever is on the way, and whoever is there can answer instead.""",
    ).tag(config=True)

    ca_file = Unicode(
        help="""Path of the certificate authorities to trust, PEM. Empty: those of the system."""
    ).tag(config=True)

    certificate_file = Unicode(
        help="""Path of the hub's own certificate for TLS, PEM, with the chain that leads to it.
        Without `bind_dn`, the hub logs in by it (SASL EXTERNAL). Read anew for each session, so
        that short-lived ones can be renewed at any time."""
    ).tag(config=True)

    key_file = Unicode(
        help="""Path of the key of `certificate_file`, PEM. Empty: it is in the same file."""
    ).tag(config=True)

    bind_dn = Unicode(
        help="""The name that the hub logs in with. Empty: by `certificate_file`."""
    ).tag(config=True)

    password_file = Unicode(
        help="""Path of a file with the password of `bind_dn` in its first line. Read anew for each
        session."""
    ).tag(config=True)

    password = Unicode(
        help="""The password of `bind_dn`, where no file can be had. Prefer `password_file`:
        `jupyterhub --show-config` prints this one."""
    ).tag(config=True)

    timeout = Float(
        8.0,
        help="""How many seconds all of this may take, connecting included, before the session is
        refused.""",
    ).tag(config=True)

    base_dn = Unicode(
        help="""Below which name entries are looked for, such as `ou=people,dc=example,dc=org`."""
    ).tag(config=True)

    auth_state = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="""What may be used of the user's auth_state: from the name that templates call it to
        the path in auth_state, keys joined by dots, as in `{"mail": "oauth_user.email"}`. Nothing
        else of it is looked at. A session is refused when one is missing, or is no text or
        number.""",
    ).tag(config=True)

    subject = Unicode(
        help="""Which value of `auth_state` is the subject of a certificate in slash form
        (`/C=DK/O=NBI/CN=Jane Roe`). Templates have its parts as `{subject_C}`, `{subject_CN}` and
        so on, the last one where there are several."""
    ).tag(config=True)

    lookups = Dict(
        key_trait=Unicode(),
        value_trait=Dict(key_trait=Unicode(), value_trait=Unicode()),
        help="""What is looked up in the directory for templates, in this order: from the name of
        the value to a dictionary with `filter` (RFC 4515, with placeholders), `attribute` and,
        unless it is `base_dn`, `base`; as in `{"team": {"filter": "(&(objectClass=groupOfNames)
        (owner=uid={name},ou=people,dc=example,dc=org))", "attribute": "cn"}}`. It is the first
        value of the first entry; when there is none, the session is refused. What is filled in is
        always a value of the filter and never a part of its syntax.""",
    ).tag(config=True)

    object_classes = List(
        Unicode(),
        ["account", "posixAccount"],
        help="""The classes of an entry that is created; one that is found must have them.""",
    ).tag(config=True)

    dn = Unicode(
        help="""The name of an entry that is created, as `uid={name},ou=people,dc=example,dc=org`.
        What is filled in is escaped (RFC 4514)."""
    ).tag(config=True)

    attributes = Dict(
        key_trait=Unicode(),
        value_trait=Union([Unicode(), List(Unicode())]),
        default_value={
            "uid": "{name}",
            "cn": "{name}",
            "uidNumber": "{uidNumber}",
            "gidNumber": "100",
            "homeDirectory": "/home/{name}",
        },
        help="""The attributes of an entry: templates, or lists of templates. `{name}` is the
        user's name; there are also the values of `auth_state`, `lookups`, `allocate` and of
        earlier steps. An entry that is found must have each of these attributes.""",
    ).tag(config=True)

    identity = List(
        Unicode(),
        ["uid"],
        help="""The attributes by which a user's entry is found. An entry that the directory calls
        equal but that isn't spelt the same (`Ann` and `ann`) is refused.""",
    ).tag(config=True)

    search_filter = Unicode(
        help="""What else an entry must match to be found (RFC 4515, with placeholders), as
        `(objectClass=posixGroup)` where other entries below `base_dn` may have the same values.
        Only what matches counts: an entry that doesn't is as good as none."""
    ).tag(config=True)

    allocate = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        default_value={},
        help="""Numbers for new entries: from the name of the value to the DN of the entry that
        counts them, in its attribute of the same name, as in `{"uidNumber":
        "cn=uidNext,dc=example,dc=org"}`. It holds the number that was given last. Each is given
        once, however many hubs ask, and never one that an entry below `base_dn` has. One that an
        earlier step knows already is used again.""",
    ).tag(config=True)

    lowest_uid = Int(
        1000,
        help="""A session is refused when its entry's `uidNumber` is below this, so that no entry
        makes a user root.""",
    ).tag(config=True)

    create = Bool(
        True, help="""Create an entry for who has none. Otherwise the session is refused."""
    ).tag(config=True)

    update = List(
        Unicode(),
        help="""Attributes that are brought up to date when the entry was there before. All others
        stay as they are.""",
    ).tag(config=True)

    set_spawner_attributes = Dict(
        key_trait=Unicode(),
        help="""What the session is given: from the name of a setting of the spawner to a template,
        or to a mapping or list of them that is added to what the setting has, as in
        `{"environment": {"NB_USER": "{uid}", "NB_UID": "{uidNumber}"}}`, or, for KubeSpawner,
        `{"uid": "{uidNumber}"}`. Templates have the attributes of the entry that `attributes`
        names, too. Nothing is given that isn't named here.""",
    ).tag(config=True)

    @classmethod
    def for_session(cls, spawner: Any) -> Self:
        """The step for the session of this spawner, whose configuration and log it shares."""
        made: Any = cls
        step: Self = made(parent=spawner)
        return step

    def prepare(self) -> Collection[str]:
        """Make ready without a user; names of values that every session brings beside the name."""
        return self.auth_state

    async def run(self, earlier: Mapping[str, str] | None = None) -> dict[str, str]:
        """Do it, and tell the spawner what `set_spawner_attributes` names.

        Returns the values that templates of later steps may use. `Refusal` when there is no valid
        entry in the end, or not within `timeout`.
        """
        spawner: Any = self.parent
        step = _Progress()
        try:
            async with asyncio.timeout(self.timeout):
                known = await identity(spawner.user, self.auth_state, self.subject)
                values = dict(earlier or {}) | known
                shape = self.shape()
                async with connected(self.server(), step.enter) as connection:
                    step.enter("log in")
                    await connection.bind(self.bind_dn, await asyncio.to_thread(self.secret))
                    ensuring = Ensuring(self, shape, connection, step.enter)
                    values = await ensuring.ensured(values)
            step.enter("prepare the session")
            self._hand_over(spawner, values)
        except TimeoutError:
            raise self._refusal(step.name, _late(self.timeout)) from None
        except LdapError as error:
            raise self._refusal(step.name, error) from None
        return values

    def _hand_over(self, spawner: Any, values: Mapping[str, str]) -> None:
        given = self.set_spawner_attributes
        self.refuse_unfitting(spawner.traits(config=True), values)
        if UID in values and not can_be_a_user(values[UID], self.lowest_uid):
            told = f"Your {UID} is below {self.lowest_uid}, or can be no user's."
            raise LdapError(told, "Tell the hub's administrator.")
        numbers = {n: int(values[n]) for n in NUMBERS & values.keys() if values[n].isdecimal()}
        try:
            hand_over(spawner, given, {**values, **numbers})
        except TraitError:
            raise Misconfigured("What a session is to be given doesn't fit its spawner.") from None

    def refuse_unfitting(self, settings: Container[str], values: Container[str]) -> None:
        """Misconfigured where a session is to be given what isn't there, or to a setting that its
        spawner lacks."""
        for name in self.set_spawner_attributes:
            if name not in settings:
                raise Misconfigured(f"This spawner has no setting {name}.")
        for name in names_in(self.set_spawner_attributes):
            if name not in values:
                raise Misconfigured(
                    f"set_spawner_attributes asks for {{{name}}}, which isn't known."
                )

    def _refusal(self, step: str, error: LdapError) -> Refusal:
        spawner: Any = self.parent
        told = (step, spawner.user.name, error.message, error.detail)
        self.log.error("LDAP: failed at “%s” for %r: %s %s", *told)
        return Refusal(step, error)

    def shape(self) -> Shape:
        """What entries should be like. Misconfigured if that can't be told."""
        if not self.base_dn:
            raise Misconfigured("base_dn isn't set.")
        for name in (*self.auth_state, *self.lookups, *self.allocate):
            if not name.isidentifier() or name == NAME or name.startswith(SUBJECT):
                raise Misconfigured(
                    f"No value can be called “{name}”: that is what the user's name or subject is "
                    "called, or no plain name."
                )
        for name, lookup in self.lookups.items():
            if not {"filter", "attribute"} <= lookup.keys() <= {"filter", "attribute", "base"}:
                raise Misconfigured(f"The look-up of {name} needs filter and attribute.")
        shape = (self.object_classes, self.attributes, self.identity, self.update, self.lowest_uid)
        return Shape(*shape)

    def server(self) -> Server:
        """Where the directory is. Misconfigured if that can't be told, or how to log in there."""
        files = {"ca_file": self.ca_file, "certificate_file": self.certificate_file}
        server = Server.at(self.url, plain=self.unsafe_plain, key_file=self.key_file, **files)
        if not self.bind_dn and (not self.certificate_file or server.tls == "none"):
            raise Misconfigured("The hub has neither bind_dn nor a certificate to log in with.")
        return server

    def secret(self) -> str:
        """The password as of now, empty where a certificate does. Misconfigured if it has none."""
        if not self.bind_dn:
            return ""
        if not self.password_file:
            password = self.password
        else:
            try:
                text = Path(self.password_file).read_text(encoding="utf-8")
            except (OSError, ValueError):
                raise Misconfigured("The file with the password can't be read.") from None
            password = (text.splitlines() or [""])[0]
        if not password:
            # A directory takes an empty one for a guest and lets it in (RFC 4513, 5.1.2).
            raise Misconfigured("The password of bind_dn is empty.")
        return password


class _Progress:
    """What is being done, in the words that a refusal uses."""

    def __init__(self) -> None:
        self.name = "know who you are"

    def enter(self, name: str) -> None:
        """It is done with the last and begins this."""
        self.name = name


def _late(timeout: float) -> LdapError:
    return LdapError(
        f"The directory took longer than {timeout:g} seconds.",
        "Try again later; if this lasts, tell the hub's administrator.",
    )
