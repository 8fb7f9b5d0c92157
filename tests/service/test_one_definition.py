"""One catalogue for one machine and for a cluster: users are asked the same and get the same."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from alongside.catalogue_file import load
from alongside_spawners.form import choice_from_form, render_form
from tests.house.test_source import ROOT
from tests.service.conftest import running
from tests.spawners.test_form import Page

LOCAL = ROOT / "deploy" / "local" / "catalogue.yaml"
GUIDE = ROOT / "docs" / "how-to" / "move-to-a-cluster.md"
WISHES: tuple[Any, ...] = (
    {},
    {"profile": "dask-small"},
    {"profile": "dask-small", "backend": None},
    {"profile": "dask-small", "backend": {"kind": "dask", "options": {"workers": 3}}},
    {"profile": "dask-small", "backend": {"kind": "dask", "options": {"workers": 3000}}},
    {"profile": "nowhere"},
)


def moved(folder: Path) -> Path:
    """The catalogue of `make run` as the guide makes one for a cluster of it."""
    (command,) = re.findall(
        r"^ *(sed .*) catalogue\.yaml > ", GUIDE.read_text("utf-8"), re.MULTILINE
    )
    done = subprocess.run(
        f"{command} {LOCAL}", shell=True, capture_output=True, text=True, check=True, timeout=30
    )
    file = folder / "cluster.yaml"
    file.write_text(done.stdout)
    return file


@pytest.mark.shows("T149", "T151")
def test_a_catalogue_is_moved_by_one_line_a_profile(tmp_path: Path) -> None:
    here, there = load(LOCAL), load(moved(tmp_path))
    assert here.platforms == {"local"}
    assert there.platforms == {"kubernetes"}
    there = there.model_copy(
        update={
            "profiles": {
                name: profile.model_copy(update={"platform": "local"})
                for name, profile in there.profiles.items()
            }
        }
    )
    assert there == here


async def seen(catalogue: Path) -> tuple[str, list[Any]]:
    """The spawn form, and what the service answers to requests, but for the platform's name."""
    async with running(catalogue) as run:
        ada = run.user("ada")
        offers = {name: (await ada.get(name)).json() for name in ("catalogue", "me")}
        offers["me"]["capacity"] = {}  # how large it is differs, as it may
        form = render_form(offers, None)
        wishes = [*WISHES, choice_from_form(Page(form).sent)]
        answers = [(await ada.post("spawn-options", json=wish)) for wish in wishes]
        told = [(answer.status_code, answer.json()) for answer in answers]
    return form.replace("kubernetes", "local"), told


@pytest.mark.shows("T149", "T151")
async def test_form_and_requests_are_the_same_on_a_cluster(tmp_path: Path) -> None:
    """What is refused likewise, in the same words."""
    here, there = await seen(LOCAL), await seen(moved(tmp_path))
    assert here == there
    assert [status for status, _ in here[1]] == [200, 200, 200, 200, 422, 403, 200]
