"""What an operator sets for runs on Kubernetes comes to an executor, or is refused at the start."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from alongside.errors import CatalogueError
from alongside_service.run_settings import step_api
from alongside_service.settings import AlongsideService
from alongside_workflows.executors.argo.executor import ArgoExecutor
from alongside_workflows.executors.argo.settings import Settings

API = "http://alongside.jhub:8790/services/alongside/api/v1"


def made(tmp_path: Path, **more: Any) -> AlongsideService:
    """The service's settings: on Kubernetes, with these of `ArgoRuns`."""
    config = Config()
    config.AlongsideService.platforms = ["kubernetes"]
    config.AlongsideService.home = str(tmp_path)
    config.AlongsideService.api = API
    config.KubernetesPlatform.namespace = "jhub"
    config.KubernetesPlatform.image = "example/session:1"
    config.ArgoRuns.enabled = True
    for name, value in more.items():
        owner, _, trait = name.partition("__")
        config[owner][trait] = value
    return AlongsideService(config=config)


def executor_settings(service: Any) -> Settings:
    executor = service.executors["argo"]
    assert isinstance(executor, ArgoExecutor)
    return executor._settings


def test_what_the_platform_says_counts_for_steps_too(tmp_path: Path) -> None:
    service = made(tmp_path, KubernetesPlatform__user_id=2000).make_service("http://hub", "t")
    found = executor_settings(service)
    assert (found.namespace, found.image, found.user_id) == ("jhub", "example/session:1", 2000)
    assert found.shared is None
    assert found.step_timeout == timedelta(days=1)
    assert service.api == API
    assert service.run_desk.credentials("a").api == API


def test_what_is_set_for_steps_goes_before(tmp_path: Path) -> None:
    home = {"name": "home", "persistentVolumeClaim": {"claimName": "home-{user_server}"}}
    service = made(
        tmp_path,
        ArgoRuns__image="example/steps:2",
        ArgoRuns__pod={"volumes": [home], "environment": {"HOME": "/home/jovyan"}},
        ArgoRuns__shared_claim="runs",
        ArgoRuns__step_timeout=0.0,
        ArgoRuns__keep_workflows=60.0,
        ArgoRuns__claims=["many-*", "claim-{owner}"],
        ArgoRuns__images=["example/*"],
    ).make_service("http://hub", "t")
    found = executor_settings(service)
    assert found.image == "example/steps:2"
    assert found.pod.volumes == (home,)
    assert found.shared is not None
    assert found.shared.path == Path("/var/lib/alongside-runs")
    assert found.step_timeout is None
    assert found.keep_workflows == timedelta(minutes=1)
    assert found.claims == ("many-*", "claim-{owner}")
    assert found.images == ("example/*",)


def test_tokens_of_runs_are_good_after_the_service_was_begun_anew(tmp_path: Path) -> None:
    first, second, other = (
        made(tmp_path).make_service("http://hub", token) for token in ("t", "t", "another")
    )
    token = first.run_tokens.token("weather-abc")
    assert second.run_tokens.run(token) == "weather-abc"
    assert other.run_tokens.run(token) == ""


def test_it_is_off_unless_it_is_wanted(tmp_path: Path) -> None:
    assert not made(tmp_path, ArgoRuns__enabled=False).make_service("http://hub", "t").executors
    local = made(tmp_path, AlongsideService__platforms=["local"]).make_service("http://hub", "t")
    assert list(local.executors) == ["local"]


def test_a_pattern_of_images_that_leaves_the_registry_open_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"ArgoRuns.images: 'example.org\*' leaves the"):
        made(tmp_path, ArgoRuns__images=["example.org*"]).make_service("http://hub", "t")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"KubernetesPlatform__namespace": ""}, "KubernetesPlatform.namespace"),
        ({"AlongsideService__api": ""}, "AlongsideService.api"),
        ({"AlongsideService__api": "http://localhost:8790/api/v1"}, "AlongsideService.api"),
    ],
)
def test_what_can_not_be_is_told_at_the_start(
    tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(CatalogueError) as told:
        made(tmp_path, **wrong).make_service("http://hub", "t")
    assert said in told.value.remedy


def test_steps_on_this_machine_reach_us_where_we_listen() -> None:
    assert step_api("", "http://0.0.0.0:1/", "/s/", {}) == "http://127.0.0.1:1/s/api/v1"
