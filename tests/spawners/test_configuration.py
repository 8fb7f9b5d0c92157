"""The operator's one line leaves what is there already and says all that is needed."""

from __future__ import annotations

import pytest
from traitlets.config import Config

from alongside_service.scopes import SERVICE_NEEDS
from alongside_spawners import configure
from alongside_spawners.configuration import SERVICE_SCOPES


def test_it_sets_up_spawner_service_and_permissions() -> None:
    c = Config()
    configure(c, home="/srv/alongside", catalogue="/etc/catalogue.yaml", unix_users=False)
    (service,) = c.JupyterHub.services
    roles = {role["name"]: role for role in c.JupyterHub.load_roles}
    assert c.JupyterHub.spawner_class == "alongside-local"
    assert service["name"] == "alongside"
    assert service["environment"] == {
        "ALONGSIDE_HOME": "/srv/alongside",
        "ALONGSIDE_CATALOGUE": "/etc/catalogue.yaml",
    }
    assert service["api_token"] == c.AlongsideMixin.service_token
    assert "access:services!service=alongside" in roles["user"]["scopes"]
    assert "self" in roles["user"]["scopes"]
    assert roles["alongside-service"]["services"] == ["alongside"]


def test_the_service_is_told_what_kinds_look_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALONGSIDE_ARKOUDA_SERVER", "/opt/arkouda/arkouda_server")
    c = Config()
    configure(c, home="/srv/alongside", unix_users=False)
    (service,) = c.JupyterHub.services
    assert service["environment"] == {
        "ALONGSIDE_ARKOUDA_SERVER": "/opt/arkouda/arkouda_server",
        "ALONGSIDE_HOME": "/srv/alongside",
    }


def test_with_unix_users_the_backends_of_a_user_run_as_that_user() -> None:
    c = Config()
    configure(c, unix_users=True)
    (service,) = c.JupyterHub.services
    assert service["environment"]["ALONGSIDE_ACCOUNT"] == "{username}"


def test_the_service_is_given_the_scopes_it_says_it_needs() -> None:
    assert set(SERVICE_SCOPES) == set(SERVICE_NEEDS)


def test_each_start_of_the_hub_has_a_token_of_its_own() -> None:
    one, other = Config(), Config()
    configure(one)
    configure(other)
    assert one.AlongsideMixin.service_token != other.AlongsideMixin.service_token
    assert len(one.AlongsideMixin.service_token) >= 32


@pytest.mark.parametrize("how", ["assigned", "appended"])
def test_services_and_roles_of_the_operator_stay(how: str) -> None:
    c = Config()
    service, role = {"name": "culler"}, {"name": "user", "scopes": ["self", "shares!user"]}
    if how == "assigned":
        c.JupyterHub.services = [service]
        c.JupyterHub.load_roles = [role]
    else:
        c.JupyterHub.services.append(service)
        c.JupyterHub.load_roles.append(role)
    configure(c)
    services, roles = c.JupyterHub.services, c.JupyterHub.load_roles
    if how == "appended":
        services, roles = (lazy.to_dict()["extend"] for lazy in (services, roles))
    assert [s["name"] for s in services] == ["culler", "alongside"]
    users = [r for r in roles if r["name"] == "user"]
    assert len(users) == 1
    assert users[0]["scopes"] == ["self", "shares!user", "access:services!service=alongside"]


def test_a_service_started_elsewhere_has_a_token_and_no_command() -> None:
    c = Config()
    configure(c, managed=False, token="of the service", service_url="http://10.0.0.7:8790")
    (service,) = c.JupyterHub.services
    assert "command" not in service
    with pytest.raises(ValueError, match="token"):
        configure(Config(), managed=False)


def test_on_kubernetes_the_service_is_another_pod() -> None:
    c = Config()
    configure(c, spawner="alongside-kubernetes", token="of the service")
    (service,) = c.JupyterHub.services
    assert c.JupyterHub.spawner_class == "alongside-kubernetes"
    assert "command" not in service
    assert service["url"] == "http://alongside:8790"
    assert "LocalSessionSpawner" not in c
    assert "KubeSpawner" not in c


def test_the_token_may_come_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALONGSIDE_TOKEN", "of the service")
    c = Config()
    configure(c, spawner="alongside-kubernetes")
    assert c.AlongsideMixin.service_token == "of the service"
    assert c.JupyterHub.services[0]["api_token"] == "of the service"


@pytest.mark.parametrize("how", ["assigned", "appended"])
def test_an_entry_that_a_chart_has_made_is_completed(how: str) -> None:
    c = Config()
    entry = {"name": "alongside", "api_token": "generated", "url": "http://elsewhere:80"}
    if how == "assigned":
        c.JupyterHub.services = [entry]
    else:
        c.JupyterHub.services.append(entry)
    configure(c, spawner="alongside-kubernetes")
    services = c.JupyterHub.services
    if how == "appended":
        services = services.to_dict()["extend"]
    assert services == [
        {
            "name": "alongside",
            "api_token": "generated",
            "url": "http://elsewhere:80",
            "display": False,
            "oauth_no_confirm": True,
        }
    ]
    assert c.AlongsideMixin.service_token == "generated"
