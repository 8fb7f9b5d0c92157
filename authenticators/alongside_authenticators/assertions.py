"""Whether the portal has said who this is: by a token, by HMAC, or, unsafely, by bare headers.

Each check gives what the portal says under the names of `allowed_headers`, None if it says nothing
at all, or Refused. What isn't covered by the signature isn't read.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import jwt

from alongside_authenticators.arrivals import Arrival, Network, twice
from alongside_authenticators.keys import PublicKeys
from alongside_authenticators.refusals import Refused
from alongside_authenticators.replay import Used
from alongside_authenticators.signing import PARTS, digest

BODY = "body_sha256"
"""The claim by which a token covers a body: its SHA-256 in hexadecimal."""


class Check(ABC):
    """How it is found out what the portal says in a request."""

    header = ""
    """The header with the signature; "" for none."""

    @abstractmethod
    async def said(self, arrival: Arrival) -> Mapping[str, Any] | None:
        """Values by name; None if the portal says nothing. Refused if that isn't good."""


class TokenCheck(Check):
    """A JSON Web Token. The names of values are those of its claims.

    key : gives the keys for a token's key id and algorithm
    once : remembers tokens that are good for one request only, None if they aren't
    """

    def __init__(
        self,
        header: str,
        names: Collection[str],
        keys: PublicKeys | Callable[[], Sequence[bytes]],
        *,
        algorithms: Sequence[str],
        audience: str,
        issuer: str,
        leeway: float,
        used: Used,
        single_use: bool,
    ) -> None:
        self.header = header
        self._names = tuple(names)
        self._keys = keys
        self._algorithms = list(algorithms)
        self._audience = audience
        self._issuer = issuer
        self._leeway = leeway
        self._used = used
        self._single_use = single_use

    async def said(self, arrival: Arrival) -> Mapping[str, Any] | None:
        raw = arrival.header(self.header)
        if not raw:
            return None
        if b"," in raw:  # how a proxy joins what was sent twice
            raise twice(self.header)
        token = raw.removeprefix(b"Bearer ").strip()
        claims = await self._checked(token)
        covered = claims.get(BODY)
        if arrival.body or covered is not None:
            found = hashlib.sha256(arrival.body).hexdigest()
            if not isinstance(covered, str) or not hmac.compare_digest(
                covered.encode(), found.encode()
            ):
                raise forged()
        if arrival.body or self._single_use:
            self._use_up(claims)
        return {name: _claim(claims, name) for name in self._names}

    async def _checked(self, token: bytes) -> dict[str, Any]:
        try:
            head = jwt.get_unverified_header(token)
            algorithm, id = head.get("alg"), head.get("kid")
            if algorithm not in self._algorithms:
                raise forged()
            keys: Sequence[Any]
            if isinstance(self._keys, PublicKeys):
                keys = [await self._keys.find(id, algorithm)]
            else:
                keys = self._keys()
            return self._decoded(token, keys)
        except jwt.ExpiredSignatureError:
            raise stale() from None
        except jwt.ImmatureSignatureError:
            raise Refused(
                401,
                "NotYet",
                "The portal's assertion is only good later: its clock and the hub's differ. Try "
                "again in a minute; if that doesn't help, tell the hub's operator.",
            ) from None
        except (jwt.InvalidIssuerError, jwt.InvalidAudienceError):
            raise Refused(
                401,
                "MeantForOthers",
                "The assertion comes from another portal, or was made for another service. Go to "
                "this hub by its own portal.",
            ) from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise forged() from None

    def _decoded(self, token: bytes, keys: Sequence[Any]) -> dict[str, Any]:
        required = ["exp", "aud", *(["iss"] if self._issuer else [])]
        for number, key in enumerate(keys, 1):
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=self._algorithms,
                    audience=self._audience,
                    issuer=self._issuer or None,
                    leeway=self._leeway,
                    options={"require": required},
                )
            except jwt.InvalidSignatureError:
                if number == len(keys):
                    raise
        raise forged()

    def _use_up(self, claims: Mapping[str, Any]) -> None:
        id, issued = claims.get("jti"), claims.get("iat")
        if (
            not isinstance(id, str)
            or not 8 <= len(id) <= 256
            or not isinstance(issued, int | float)
        ):
            raise Refused(
                401,
                "NotSingleUse",
                "The portal's assertion lacks the claims iat and jti, so the hub can't tell "
                "whether it was used before. Tell the portal's operator.",
            )
        self._used.once(id, issued, float(claims["exp"]) + self._leeway)


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a path with dots to one that is further in."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


class SignedHeadersCheck(Check):
    """Headers with an HMAC over all of them, time, nonce, path and body (`signing`)."""

    def __init__(
        self,
        header: str,
        names: Collection[str],
        keys: Callable[[], Sequence[bytes]],
        *,
        window: float,
        leeway: float,
        used: Used,
    ) -> None:
        self.header = header
        self._names = tuple(names)
        self._keys = keys
        self._window = window
        self._leeway = leeway
        self._used = used

    async def said(self, arrival: Arrival) -> Mapping[str, Any] | None:
        raw = arrival.header(self.header)
        if not raw:
            return None
        if b"," in raw:
            raise twice(self.header)
        parts = PARTS.fullmatch(raw.decode("latin-1"))
        if parts is None:
            raise forged()
        values = {name: arrival.header(name) for name in self._names}
        moment, nonce = parts["time"], parts["nonce"]
        right = [
            digest(key, moment, nonce, arrival.method, arrival.path, values, arrival.body)
            for key in self._keys()
        ]
        if not any(hmac.compare_digest(parts["digest"], one) for one in right):
            raise forged()
        age = time.time() - int(moment)
        if not -self._leeway <= age <= self._window + self._leeway:
            raise stale()
        self._used.once(nonce, int(moment), int(moment) + self._window + self._leeway + 1)
        return {name: text(name, value) for name, value in values.items()}


class BareHeadersCheck(Check):
    """Headers without signature, believed because of the address that they come from. Unsafe."""

    def __init__(
        self,
        names: Collection[str],
        proxies: Collection[Network],
        hubs: Collection[Network],
        identity: str,
    ) -> None:
        self._names = tuple(names)
        self._proxies = proxies
        self._hubs = hubs
        self._identity = identity

    async def said(self, arrival: Arrival) -> Mapping[str, Any] | None:
        values = {name: arrival.header(name) for name in self._names}
        if not values[self._identity]:
            return None
        if not arrival.came_through(self._proxies, self._hubs):
            raise elsewhere()
        if b", " in values[self._identity]:  # how the hub's own proxy joins what was sent twice
            raise twice(self._identity)
        return {name: text(name, value) for name, value in values.items()}


class FromProxyOnly(Check):
    """Another check, for requests that come by the portal's proxy; others are refused."""

    def __init__(
        self, check: Check, proxies: Collection[Network], hubs: Collection[Network]
    ) -> None:
        self.header = check.header
        self._check = check
        self._proxies = proxies
        self._hubs = hubs

    async def said(self, arrival: Arrival) -> Mapping[str, Any] | None:
        if arrival.header(self.header) and not arrival.came_through(self._proxies, self._hubs):
            raise elsewhere()
        return await self._check.said(arrival)


def text(name: str, value: bytes) -> str:
    """What a header says. Refused if it isn't UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Refused(
            400, "NotText", f"The header {name} isn't UTF-8. Have the portal send it so."
        ) from None


def forged() -> Refused:
    """The refusal of what the portal has not signed; why is nobody's business."""
    return Refused(
        401,
        "NotSigned",
        "The portal's assertion isn't good: it is damaged, or not signed by the portal. Go to the "
        "portal and come back; if that doesn't help, tell the hub's operator.",
    )


def stale() -> Refused:
    """The refusal of what is too old, or from the future."""
    return Refused(
        401,
        "Expired",
        "The portal's assertion has expired, or its clock and the hub's differ. Go to the portal "
        "and come back; if that doesn't help, tell the hub's operator.",
    )


def elsewhere() -> Refused:
    """The refusal of a sender that isn't the portal's proxy."""
    return Refused(
        403,
        "NotTheProxy",
        "This request didn't come by the portal, which alone may say who somebody is. Go to the "
        "hub by the portal.",
    )
