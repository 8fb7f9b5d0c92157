"""Which check the settings ask for, and settings with which the hub must not start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import jwt

from alongside_authenticators.arrivals import networks
from alongside_authenticators.assertions import (
    BareHeadersCheck,
    Check,
    FromProxyOnly,
    SignedHeadersCheck,
    TokenCheck,
)
from alongside_authenticators.keys import PublicKeys, SharedKeys
from alongside_authenticators.refusals import Misconfigured
from alongside_authenticators.replay import Used

if TYPE_CHECKING:
    from alongside_authenticators.header import HeaderAuthenticator

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def check_of(settings: HeaderAuthenticator) -> Check:
    """How assertions are checked. Misconfigured if the settings leave that open."""
    _refuse_what_would_be_lost(settings)
    proxies = networks(settings.proxy_addresses, "proxy_addresses")
    hubs = networks(settings.hub_proxy_addresses, "hub_proxy_addresses")
    names = settings.reading.names
    if settings.unsafe_plain_headers:
        if not proxies:
            raise Misconfigured(
                "unsafe_plain_headers needs proxy_addresses, the addresses of the proxy that may "
                "say who somebody is. Set them, or have the portal sign."
            )
        if settings.user_external_allow_attributes:
            raise Misconfigured(
                "Data of users that the portal posts has to be signed. Leave out "
                "unsafe_plain_headers or user_external_allow_attributes."
            )
        return BareHeadersCheck(names, proxies, hubs, settings.allowed_headers["auth"])
    check = _signed(settings, names)
    return FromProxyOnly(check, proxies, hubs) if proxies else check


def _signed(settings: HeaderAuthenticator, names: list[str]) -> Check:
    used = Used()
    if settings.signature == "hmac":
        return SignedHeadersCheck(
            settings.assertion_header,
            names,
            _shared(settings),
            window=settings.replay_window,
            leeway=settings.leeway,
            used=used,
        )
    if not settings.audience:
        raise Misconfigured(
            "Tokens need an audience, so that one for another service is no good here. Set "
            "audience to what the portal calls this hub (claim aud)."
        )
    if settings.jwks_url and not settings.issuer:
        raise Misconfigured("Set issuer to the portal's own name in its tokens (claim iss).")
    _check_algorithms(settings)
    return TokenCheck(
        settings.assertion_header,
        names,
        _public(settings) if settings.jwks_url else _shared(settings),
        algorithms=settings.algorithms,
        audience=settings.audience,
        issuer=settings.issuer,
        leeway=settings.leeway,
        used=used,
        single_use=settings.single_use,
    )


def _shared(settings: HeaderAuthenticator) -> SharedKeys:
    if not settings.shared_keys_file:
        raise Misconfigured(
            "The hub can't tell what the portal has signed. Set jwks_url or shared_keys_file."
        )
    keys = SharedKeys(Path(settings.shared_keys_file))
    keys()
    return keys


def _public(settings: HeaderAuthenticator) -> PublicKeys:
    address = urlsplit(settings.jwks_url)
    if address.scheme != "https" and (
        address.scheme != "http" or address.hostname not in _LOOPBACK
    ):
        raise Misconfigured(
            "jwks_url must be an https:// address: whoever could change the keys on their way "
            "could be anybody."
        )
    return PublicKeys(settings.jwks_url, settings.jwks_age)


def _check_algorithms(settings: HeaderAuthenticator) -> None:
    known = set(jwt.algorithms.get_default_algorithms()) - {"none"}
    shared = {name for name in known if name.startswith("HS")}
    fitting = known - shared if settings.jwks_url else shared
    if not settings.algorithms or set(settings.algorithms) - fitting:
        raise Misconfigured(
            f"algorithms must be some of {', '.join(sorted(fitting))}; a public key must never be "
            "taken for a shared one, or the other way round."
        )


def _refuse_what_would_be_lost(settings: HeaderAuthenticator) -> None:
    reading = settings.reading
    posted = set(settings.user_external_allow_attributes)
    unknown = reading.extra_parsers - posted
    if unknown:
        raise Misconfigured(
            f"header_parser_classes has {', '.join(sorted(unknown))}, which neither "
            "allowed_headers nor user_external_allow_attributes names."
        )
    unlisted = set(settings.session_readable_attributes) - {*reading.kept, *posted}
    if unlisted:
        raise Misconfigured(
            f"session_readable_attributes has {', '.join(sorted(unlisted))}, which is kept of "
            "nobody. Name it in allowed_headers or user_external_allow_attributes, too."
        )
    if {"identity"} & posted:
        raise Misconfigured("No attribute can be called 'identity', which is the hub's own word.")
    if settings.manage_groups and "groups" not in settings.allowed_headers:
        raise Misconfigured(
            "manage_groups needs the key 'groups' in allowed_headers, which names the header that "
            "has the groups."
        )
    if (reading.kept or posted) and not settings.enable_auth_state:
        raise Misconfigured(
            "What is known of users is kept encrypted. Set enable_auth_state = True, and the "
            "environment variable JUPYTERHUB_CRYPT_KEY (make one with: openssl rand -hex 32)."
        )
