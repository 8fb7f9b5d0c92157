"""Hubs behind the guide's reverse proxies: each with its portal, as the guide sets them up."""

from __future__ import annotations

import re
import secrets
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.authenticators.hubs import hub_with
from tests.authenticators.key_sets import KeySet
from tests.authenticators.portal_pages import CLIENT, COOKIE, Pages
from tests.authenticators.portal_provider import Provider
from tests.authenticators.portal_recipes import ADDRESS, Site, filled, recipe, section
from tests.spawners.live_hub import LiveHub, free_port

HEADER = "X-Portal-Assertion"


@dataclass
class Front:
    """A hub, the proxy that people come by, and the provider that signs them in.

    header : by which the proxy tells the hub who it is
    cookie : by which the proxy, or the portal's pages, know a browser; others begin like it
    assertion : makes what the hub believes of somebody
    """

    hub: LiveHub
    site: Site
    provider: Provider
    header: str
    cookie: str
    assertion: Callable[[str], str]

    @property
    def url(self) -> str:
        """The address that browsers have."""
        return self.site.url

    @property
    def trust(self) -> ssl.SSLContext:
        """How its certificate is checked."""
        return self.site.trust

    def browser(self) -> httpx.Client:
        """A browser without scripts."""
        return httpx.Client(
            base_url=self.url, verify=self.trust, trust_env=False, timeout=60, follow_redirects=True
        )

    def asks_for_a_name(self, page: httpx.Response) -> bool:
        """Whether this is the provider's page."""
        return str(page.url).startswith(f"{self.provider.url}/authorize?")

    def enter(self, browser: httpx.Client, name: str, path: str = "/hub/home") -> httpx.Response:
        """Somebody asks for a page of the hub, says their name to the provider, and is back."""
        page = browser.get(path)
        assert self.asks_for_a_name(page), (page.url, page.text)
        return browser.get(page.url.copy_merge_params({"name": name}))


@contextmanager
def by_nginx(config: str = "", spawner: str = "simple", **portal: Any) -> Iterator[Front]:
    """nginx, which asks the portal's pages. `config` is the hub's, `portal` is for these pages."""
    with _pages(config, spawner, recipe("nginx", "python"), portal) as (front, pages):
        server = filled(recipe("nginx", "nginx"), _server(front) | _upstreams(front, pages.url))
        with front.site.nginx(server):
            yield front


@contextmanager
def by_traefik(config: str = "") -> Iterator[Front]:
    """Traefik, which asks the portal's pages."""
    with _pages(config, "simple", "", {}) as (front, pages):
        routers = recipe("Traefik", "yaml")
        places = _upstreams(front, pages.url) | {"hub.example": ADDRESS}
        with front.site.traefik(filled(routers, places)):
            yield front


@contextmanager
def by_apache(config: str = "") -> Iterator[Front]:
    """Apache with mod_auth_openidc, which needs no portal but the provider."""
    secret = secrets.token_hex()
    with _provider(config, secret, "OIDC_id_token", "mod_auth_openidc") as front:
        text = section("Apache")
        (modules,) = re.findall(r"a2enmod ([\w ]+)`", text)
        places = _server(front) | _example_provider(front.provider)
        del places["listen 443 ssl"]
        places |= {
            "*:443": front.site.address,
            "https://hub.example": front.url,
            "127.0.0.1:8000": f"127.0.0.1:{front.hub.port}",
            "the-secret-that-the-provider-gave": secret,
            "another-secret": secrets.token_hex(),
        }
        with front.site.apache(filled(recipe("Apache", "apache"), places), modules.split()):
            yield front


@contextmanager
def by_nginx_and_oauth2_proxy(config: str = "") -> Iterator[Front]:
    """nginx, which asks oauth2-proxy."""
    login, _ = recipe("oauth2-proxy", "python").splitlines()
    with _oauth2_proxy(f"{login}\n{config}", HEADER) as (front, url):
        server = _exchanged(recipe("nginx", "nginx"))
        with front.site.nginx(filled(server, _server(front) | _upstreams(front, url, "4180"))):
            yield front


@contextmanager
def by_traefik_and_oauth2_proxy(config: str = "") -> Iterator[Front]:
    """Traefik, which asks oauth2-proxy."""
    _, header = recipe("oauth2-proxy", "python").splitlines()
    with _oauth2_proxy(f"{header}\n{config}", "Authorization") as (front, url):
        routers = _exchanged(recipe("Traefik", "yaml"))
        places = _upstreams(front, url, "4180") | {"hub.example": ADDRESS}
        with front.site.traefik(filled(routers, places)):
            yield front


Opening = Callable[[str], AbstractContextManager[Front]]
"""From what is added to the hub's configuration."""

FRONTS: dict[str, tuple[Opening, tuple[str, ...]]] = {
    "nginx": (by_nginx, ("nginx",)),
    "Apache": (by_apache, ("apache2",)),
    "Traefik": (by_traefik, ("traefik",)),
    "nginx and oauth2-proxy": (by_nginx_and_oauth2_proxy, ("nginx", "oauth2-proxy")),
    "Traefik and oauth2-proxy": (by_traefik_and_oauth2_proxy, ("traefik", "oauth2-proxy")),
}
"""Each of the guide's combinations, and the programs that it needs."""


@contextmanager
def _site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="proxy-", ignore_cleanup_errors=True) as folder:
        yield Site(Path(folder))


@contextmanager
def _pages(
    config: str, spawner: str, extra: str, portal: Mapping[str, Any]
) -> Iterator[tuple[Front, Pages]]:
    """Hub, provider and portal's pages; no proxy yet."""
    with ExitStack() as all:
        site = all.enter_context(_site())
        own, provider_keys = all.enter_context(KeySet()), all.enter_context(KeySet())
        provider = all.enter_context(Provider(provider_keys, {CLIENT: secrets.token_hex()}).open())
        pages = all.enter_context(Pages(provider, own, **portal).open())
        by_token = filled(recipe("By a token", "python"), {"https://portal.example/keys": own.url})
        hub = all.enter_context(hub_with(by_token + extra + config, spawner))
        yield Front(hub, site, provider, HEADER, COOKIE, pages.assertion), pages


@contextmanager
def _provider(config: str, secret: str, header: str, cookie: str) -> Iterator[Front]:
    """A hub that believes the provider itself, whose client `hub` is; no proxy yet."""
    with ExitStack() as all:
        site = all.enter_context(_site())
        keys = all.enter_context(KeySet())
        provider = all.enter_context(Provider(keys, {"hub": secret}).open())
        believed = filled(recipe("Apache", "python"), _example_provider(provider, keys))

        def assertion(name: str) -> str:
            return keys.token("x", iss=provider.url, aud="hub", preferred_username=name)

        # what the recipe for oauth2-proxy says differently comes after that
        hub = all.enter_context(hub_with(believed + config))
        yield Front(hub, site, provider, header, cookie, assertion)


@contextmanager
def _oauth2_proxy(config: str, header: str) -> Iterator[tuple[Front, str]]:
    """Hub, provider and oauth2-proxy, at the address that is given; no proxy before them yet."""
    settings = f'c.HeaderAuthenticator.assertion_header = "{HEADER}"\n{config}'
    secret, port = secrets.token_hex(), free_port()
    with _provider(settings, secret, header, "_oauth2_proxy") as front:
        files = {"client-secret": secret.encode(), "cookie-secret": secrets.token_bytes(32)}
        for name, content in files.items():
            (front.site.place / name).write_bytes(content)
        places = {
            "https://hub.example": front.url,
            "https://portal.example": front.provider.url,
            "/etc/oauth2-proxy": str(front.site.place),
            "127.0.0.1:4180": f"127.0.0.1:{port}",
        }
        with front.site.oauth2_proxy(filled(recipe("oauth2-proxy", "toml"), places), port):
            yield front, f"http://127.0.0.1:{port}"


def _exchanged(text: str) -> str:
    """A recipe with the guide's changes for oauth2-proxy."""
    rows = re.findall(r"^\| `(.*?)` \| `(.*?)` \|$", section("oauth2-proxy"), re.MULTILINE)
    changed = filled(text, {ours: theirs for ours, theirs in rows if ours in text})
    assert "/portal" not in changed
    return changed


def _server(front: Front) -> dict[str, str]:
    certificate = str(front.site.certificate)
    return {
        "listen 443 ssl": f"listen {front.site.address} ssl",
        "hub.example": ADDRESS,
        "/etc/ssl/certs/hub.example.pem": certificate,
        "/etc/ssl/private/hub.example.key": certificate,
    }


def _upstreams(front: Front, portal: str, port: str = "9000") -> dict[str, str]:
    return {
        "http://127.0.0.1:8000": front.hub.url,
        f"http://127.0.0.1:{port}": portal,
    }


def _example_provider(provider: Provider, keys: KeySet | None = None) -> dict[str, str]:
    places = {"https://portal.example": provider.url}
    return places if keys is None else places | {"https://portal.example/keys": keys.url}
