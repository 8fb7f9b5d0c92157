"""Messages of LDAP to and from bytes (RFC 4511): pure, by the definitions of pyasn1-modules.

Nothing else knows ASN.1. Values are bytes on the wire and text here; attribute names compare
without case, so that an `Entry` finds them whatever their spelling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1_modules import rfc2251 as ldap

from alongside_authenticators.ldap.errors import LdapError, ResultError
from alongside_authenticators.ldap.filters import Equal, Filter, Present

START_TLS = "1.3.6.1.4.1.1466.20037"
SCOPES = {"base": 0, "one": 1, "subtree": 2}
CHANGES = {"add": 0, "delete": 1, "replace": 2}
#: Result codes that are handled by name.
NO_SUCH_ATTRIBUTE, NO_SUCH_OBJECT, ALREADY_EXISTS, SIZE_LIMIT = 16, 32, 68, 4

Attributes = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Entry:
    """An entry as it was found; the keys of `attributes` are in lower case."""

    dn: str
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def values(self, name: str) -> list[str]:
        """All values of an attribute, empty when it has none."""
        return self.attributes.get(name.lower(), [])


@dataclass(frozen=True)
class Answer:
    """A response: an `entry` of a search, or how an operation ended."""

    id: int
    kind: str
    entry: Entry | None = None
    code: int = 0
    name: str = "success"
    diagnostic: str = ""

    def error(self) -> ResultError | None:
        """What it refuses, if it does."""
        return ResultError(self.code, self.name, self.diagnostic) if self.code else None


def bind_simple(dn: str, password: str) -> Any:
    """A bind with name and password."""
    request = _bind(dn)
    request["authentication"]["simple"] = password.encode()
    return request


def bind_external() -> Any:
    """A bind with the certificate of the TLS connection (SASL EXTERNAL, RFC 4422 A)."""
    request = _bind("")
    request["authentication"]["sasl"]["mechanism"] = b"EXTERNAL"
    request["authentication"]["sasl"]["credentials"] = b""  # act as nobody else
    return request


def start_tls() -> Any:
    """The request that TLS begins on this connection."""
    request = ldap.ExtendedRequest()
    request["requestName"] = START_TLS.encode()
    return request


def search(base: str, scope: str, filter: Filter, attributes: Iterable[str], limit: int) -> Any:
    """A search for at most `limit` entries (0: as many as there are); aliases stay aliases."""
    request = ldap.SearchRequest()
    request["baseObject"] = base.encode()
    request["scope"] = SCOPES[scope]
    request["derefAliases"] = 0
    request["sizeLimit"] = limit
    request["timeLimit"] = 0
    request["typesOnly"] = False
    _set_filter(request["filter"], filter)
    for place, name in enumerate(attributes):
        request["attributes"][place] = name.encode()
    return request


def add(dn: str, attributes: Attributes) -> Any:
    """The creation of an entry."""
    request = ldap.AddRequest()
    request["entry"] = dn.encode()
    for place, (name, values) in enumerate(attributes.items()):
        _set_attribute(request["attributes"][place], name, values)
    return request


def modify(dn: str, changes: Sequence[tuple[str, str, Sequence[str]]]) -> Any:
    """Changes `(add|delete|replace, attribute, values)`, of which all happen or none."""
    request = ldap.ModifyRequest()
    request["object"] = dn.encode()
    for place, (how, name, values) in enumerate(changes):
        request["modification"][place]["operation"] = CHANGES[how]
        _set_attribute(request["modification"][place]["modification"], name, values)
    return request


_NAMES = {
    ldap.BindRequest: "bindRequest",
    ldap.ExtendedRequest: "extendedReq",
    ldap.SearchRequest: "searchRequest",
    ldap.AddRequest: "addRequest",
    ldap.ModifyRequest: "modifyRequest",
}


def encode(id: int, request: Any) -> bytes:
    """The bytes of a request with its message's number."""
    message = ldap.LDAPMessage()
    message["messageID"] = id
    message["protocolOp"][_NAMES[type(request)]] = request
    data: bytes = encoder.encode(message)
    return data


def decode(data: bytes) -> Answer:
    """The answer that these bytes are; LdapError where they are none."""
    try:
        message, rest = decoder.decode(data, asn1Spec=ldap.LDAPMessage())
        if rest:
            raise _garbled()
        return _answer(int(message["messageID"]), message["protocolOp"])
    except (PyAsn1Error, ValueError, RecursionError):
        raise _garbled() from None


def _answer(id: int, operation: Any) -> Answer:
    kind = str(operation.getName())
    body = operation.getComponent()
    if kind == "searchResEntry":
        attributes = {
            bytes(one["type"]).decode().lower(): [_text(value) for value in one["vals"]]
            for one in body["attributes"]
        }
        return Answer(id, kind, Entry(bytes(body["objectName"]).decode(), attributes))
    if kind == "searchResRef":
        return Answer(id, kind)
    if "resultCode" not in body:
        raise _garbled()
    code = int(body["resultCode"])
    name = body["resultCode"].prettyPrint()
    return Answer(id, kind, None, code, name, _text(body["errorMessage"]))


def _bind(dn: str) -> Any:
    request = ldap.BindRequest()
    request["version"] = 3
    request["name"] = dn.encode()
    return request


def _set_filter(place: Any, filter: Filter) -> None:
    if isinstance(filter, Equal):
        place["equalityMatch"]["attributeDesc"] = filter.attribute.encode()
        place["equalityMatch"]["assertionValue"] = filter.value
    elif isinstance(filter, Present):
        place["present"] = filter.attribute.encode()
    elif filter.how == "not":
        _set_filter(place["not"], filter.parts[0])
    else:
        for number, part in enumerate(filter.parts):
            _set_filter(place[filter.how][number], part)


def _set_attribute(place: Any, name: str, values: Sequence[str]) -> None:
    place["type"] = name.encode()
    for number, value in enumerate(values):
        place["vals"][number] = value.encode()


def _text(value: Any) -> str:
    return bytes(value).decode(errors="backslashreplace")


def _garbled() -> LdapError:
    return LdapError("The directory's answer can't be read.", "Ask the hub's administrator.")
