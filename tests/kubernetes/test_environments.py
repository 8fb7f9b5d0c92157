"""Each session and each step with the software of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from kr8s.objects import Pod

from alongside.names import label_of
from tests.house.scripts import script
from tests.kubernetes.argo_stage import PATIENCE
from tests.kubernetes.release import Browser, Chart, Release, wait_for
from tests.kubernetes.scientist import scientist

pytestmark = pytest.mark.timeout(600)
VERSION = ["python3", "-c", "import numpy; print('NumPy', numpy.__version__)"]
# Either image can run it; whatever the hub adds is ignored.
SERVER = ["sh", "-c", "exec python3 -m http.server 8888"]


@pytest.fixture(scope="module")
def other() -> str:
    """An image with another NumPy than that of sessions: the one of a Linux distribution."""
    tool = script("images")
    return str(tool.name_of(tool.DOUBLE))


@pytest.fixture(scope="module")
def release(
    argo_definitions: None, chart: Chart, images: dict[str, str], other: str
) -> Iterator[Release]:
    """A hub where everybody may name that image, or have it and name the sessions' usual one."""
    text = f"""\
profiles:
  own:
    title: Own software
    platform: kubernetes
    images: ["{other}"]
    backends:
      dask: {{options: {{workers: 1, memory: 512 MiB}}}}
  old:
    title: Old software
    platform: kubernetes
    images: ["{images["session"]}"]
    pod: {{image: "{other}"}}
    backends:
      dask: {{options: {{workers: 1, memory: 512 MiB}}}}
"""
    spawner = {"cmd": SERVER, "http_timeout": 120, "delete_grace_period": 1}
    with chart(
        catalogue__text=text,
        hub__settings={"KubeSpawner": spawner},
        workflows__enabled=True,
        workflows__resources={"requests": {"cpu": "50m", "memory": "256Mi"}},
    ) as one:
        yield one


def version(release: Release, user: str) -> str:
    """What a Python of the user's session says of its NumPy."""
    (name,) = release.pods(component="session", owner=label_of(user))
    pod = Pod.get(name, namespace=release.namespace, api=release.api)
    return str(pod.exec(VERSION, timeout=60).stdout.decode()).strip()


def spawn(page: Browser, **options: Any) -> Any:
    return page.hub("POST", f"users/{page.user}/server", json={"profile": "own", **options})


@pytest.mark.shows("K11", "T37")
def test_two_sessions_at_once_have_their_own_versions(release: Release, other: str) -> None:
    """One of an image that its user has named; an image that isn't allowed starts nothing."""
    with ExitStack() as stack:
        ada, grace = [stack.enter_context(release.browser(user)) for user in ("ada", "grace")]
        refused = spawn(ada, image=f"{other}-elsewhere", backend=None)
        assert refused.status_code == 403
        assert "Profile own doesn't allow the image" in refused.json()["message"]
        ada.start({"profile": "own", "backend": None})
        grace.start({"profile": "own", "backend": None, "image": other})
        said = {user: version(release, user) for user in ("ada", "grace")}
        assert all(one.startswith("NumPy ") for one in said.values())
        assert said["ada"] != said["grace"]
        for one in (ada, grace):
            one.stop()


@pytest.mark.shows("K11")
def test_the_workers_of_a_backend_have_the_image_that_was_named(
    release: Release, other: str
) -> None:
    """So that they have the versions of the notebook."""
    with scientist(release, "ada") as ada:
        body = {"kind": "dask", "profile": "own"}
        refused = ada.api.post("backends", json={**body, "image": f"{other}-elsewhere"})
        assert (refused.status_code, refused.json()["field"]) == (403, "image")
        answer = ada.api.post("backends", json={**body, "image": other})
        assert answer.status_code == 202, answer.text
        labels = {"alongside.jupyter.org/component": "backend"}

        def made() -> set[str]:
            found = release.api.get("pods", namespace=release.namespace, label_selector=labels)
            return {pod.spec.containers[0].image for pod in found}

        assert wait_for(made, "its pods are made") == {other}
        # there is no Dask in it, so they come to nothing
        assert ada.api.delete(f"backends/{answer.json()['id']}").status_code in (202, 204)


BOTH = """\
import alongside, numpy

def version():
    import numpy
    return numpy.__version__

backend = alongside.launch("dask")
client = alongside.attach(backend)
print(backend.state.profile, numpy.__version__, client.submit(version).result())
backend.stop()
"""


@pytest.mark.shows("K11")
def test_what_is_added_to_a_session_later_computes_in_the_image_of_the_session(
    release: Release, images: dict[str, str]
) -> None:
    """It is another one than the profile's, which is not the first, and nothing says so again."""
    with release.browser("grace") as grace:
        grace.start({"profile": "old", "backend": None, "image": images["session"]})
        (name,) = release.pods(component="session", owner=label_of("grace"))
        pod = Pod.get(name, namespace=release.namespace, api=release.api)
        done = pod.exec(["python", "-c", BOTH], check=False, timeout=240)
        assert done.returncode == 0, done.stderr
        profile, here, there = done.stdout.decode().split()[-3:]
        assert (profile, there) == ("old", here)
        grace.stop()


@pytest.mark.shows("K11")
def test_two_steps_at_once_have_their_own_versions(
    release: Release, images: dict[str, str], other: str
) -> None:
    """Each names its image in the workflow."""
    chosen = {"newer": images["session"], "older": other}
    steps = [{"name": n, "command": VERSION, "image": image} for n, image in chosen.items()]
    with scientist(release, "grace") as grace:
        answer = grace.api.post("runs", json={"workflow": {"name": "versions", "steps": steps}})
        assert answer.status_code == 202, answer.text
        id = answer.json()["id"]

        def succeeded() -> bool:
            run = grace.api.get(f"runs/{id}").json()
            assert run["state"] not in ("failed", "cancelled"), run
            return bool(run["state"] == "succeeded")

        wait_for(succeeded, "the run has succeeded", PATIENCE)
        said = [grace.api.get(f"runs/{id}/steps/{name}/log").text for name in chosen]
        found = [line for text in said for line in text.splitlines() if line.startswith("NumPy ")]
        assert len(set(found)) == len(found) == 2
        assert grace.api.delete(f"runs/{id}").status_code == 204
