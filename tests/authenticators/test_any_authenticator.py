"""Form, spawner, service and hooks, under authenticators that aren't ours."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.authenticators.hubs import got_in, hub_with_service
from tests.authenticators.slapd import DATA, PEOPLE, Slapd, needs_slapd
from tests.spawners.live_hub import LiveHubWithService, Visitor, until

pytestmark = pytest.mark.slow

CATALOGUE = """
profiles:
  small:
    title: Small
    default: dask
    backends:
      dask: {options: {workers: {default: 1, maximum: 4}, cores: 1, memory: 300 MiB}}
  closed:
    title: For others
    groups: [others]
"""
HOOK = """
def hook(spawner):
    spawner.environment["HOOKED"] = spawner.user.name

c.Spawner.pre_spawn_hook = hook
"""
BEHIND_LDAP = """
import sys
sys.path.append("{library}")
from ldapauthenticator import LDAPAuthenticator
c.JupyterHub.authenticator_class = LDAPAuthenticator
c.LDAPAuthenticator.server_address = "127.0.0.1"
c.LDAPAuthenticator.server_port = {slapd.tls_port}
c.LDAPAuthenticator.tls_strategy = "on_connect"
c.LDAPAuthenticator.tls_kwargs = {{"ca_certs_file": "{slapd.ca_file}"}}
c.LDAPAuthenticator.bind_dn_template = "uid={{username}},{people}"
"""
ACCOUNTS = f"""
dn: uid=vera,{PEOPLE}
objectClass: account
objectClass: posixAccount
uid: vera
cn: Vera
uidNumber: 4801
gidNumber: 100
homeDirectory: /home/vera
userPassword: x

dn: uid=rosa,{PEOPLE}
objectClass: account
objectClass: posixAccount
uid: rosa
cn: Rosa
uidNumber: 4802
gidNumber: 100
homeDirectory: /home/rosa
userPassword: not-x
"""
LIBRARY = importlib.util.find_spec("ldapauthenticator")
needs_ldapauthenticator = pytest.mark.skipif(
    LIBRARY is None, reason="needs jupyterhub-ldapauthenticator: pip install it"
)


@contextmanager
def behind_dummy(place: Path) -> Iterator[str]:
    """Whoever says a name is let in."""
    yield 'c.JupyterHub.authenticator_class = "dummy"'


@contextmanager
def behind_ldap(place: Path) -> Iterator[str]:
    """JupyterHub's own authenticator for directories, with a real one."""
    assert LIBRARY is not None
    assert LIBRARY.origin is not None
    slapd = Slapd(place, data=f"{DATA}\n{ACCOUNTS}").start()
    try:
        library = Path(LIBRARY.origin).parents[1]
        yield BEHIND_LDAP.format(library=library, slapd=slapd, people=PEOPLE)
    finally:
        slapd.stop()


WAYS = {"dummy": behind_dummy, "ldapauthenticator": behind_ldap}


@pytest.fixture(
    scope="module",
    params=[
        "dummy",
        pytest.param("ldapauthenticator", marks=[needs_slapd, needs_ldapauthenticator]),
    ],
)
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveHubWithService]:
    """A hub with Alongside, and this authenticator."""
    with (
        WAYS[request.param](tmp_path_factory.mktemp("way")) as settings,
        hub_with_service(settings + HOOK, CATALOGUE) as running,
    ):
        yield running


@pytest.mark.shows("K92", "T8")
def test_form_spawner_service_and_hooks_work(hub: LiveHubWithService) -> None:
    """From the login to a session with a cluster, and to its end."""
    visitor = Visitor(hub, "vera")
    try:
        page = visitor.form()
        assert "Small" in page
        assert "For others" not in page
        answer = visitor.send(
            {"profile": "small", "kind": "dask", "number:small:dask:workers": "2"}
        )
        assert answer.status_code == 302, answer.text
        until(lambda: hub.servers("vera").get("", {}).get("ready"), "the session is ready", 90)
        hub.kernel("vera")
        environments = [hub.environment(pid) for pid in hub.processes("vera")]
        assert any(one.get("HOOKED") == "vera" for one in environments), "the hook has run"
        (backend,) = until(
            lambda: [b for b in hub.backends("vera") if b["phase"] == "running"], "its cluster", 90
        )
        assert (backend["owner"], backend["options"]["workers"]) == ("vera", 2)
        hub.stop("vera")
        until(lambda: not hub.backends("vera"), "the cluster has ended", 60)
        assert hub.processes("vera") == []
        assert "Your last choice is filled in" in visitor.form()
    finally:
        visitor.close()


@pytest.mark.shows("T8")
@pytest.mark.parametrize(
    "options",
    [
        {"profile": "closed"},
        {"profile": "small", "backend": {"kind": "dask", "options": {"workers": 9}}},
        {"profile": "small", "backend": {"kind": "unknown"}},
    ],
)
def test_what_may_not_be_asked_for_is_refused(hub: LiveHubWithService, options: object) -> None:
    """Over REST, in words, and nothing is started."""
    answer = hub.begin("vera", options)
    assert 400 <= answer.status_code < 500, answer.text
    assert len(answer.json()["message"]) > 10
    assert hub.processes("vera") == []
    assert hub.backends("vera") == []


@pytest.mark.shows("T8")
def test_who_is_let_in_is_the_authenticator_s_business(
    hub: LiveHubWithService, request: pytest.FixtureRequest
) -> None:
    """Alongside neither opens a door nor closes one: only the directory knows this password."""
    with httpx.Client(base_url=hub.url, timeout=60, trust_env=False) as browser:
        browser.get("/hub/login")
        answer = browser.post(
            "/hub/login",
            params={"_xsrf": str(browser.cookies.get("_xsrf", path="/hub/"))},
            data={"username": "rosa", "password": "x"},
        )
    dummy = "dummy" in request.node.name
    assert (answer.status_code, got_in(answer)) == ((302, True) if dummy else (403, False))
