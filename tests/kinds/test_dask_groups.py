"""Workers of different sizes, and GPUs: what may be asked for, and real ones that come and go."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from distributed import wait

from alongside.errors import InvalidRequest
from alongside.kinds import get_kind
from alongside.kinds.base import Options, Place
from alongside.narrowing import Rule, narrow
from alongside.phases import Phase
from alongside.platforms.local import LocalPlatform
from alongside.requests import parse
from alongside.testing import make_spec, until
from tests.kinds.test_dask_cluster import connected, patched, running, settled
from tests.kinds.test_dask_network import client_of, made

GIB = 2**30
GPU = {"name": "gpu", "workers": 2, "cores": 2, "memory": "4 GiB", "gpus": 1}
SMALL = {"memory": "512 MiB"}
BIG = {"name": "big", "workers": 1, "memory": "700 MiB"}


def options(**given: Any) -> Any:
    return get_kind("dask").Options.model_validate(given)


def test_groups_count_with_all_they_have() -> None:
    kind = get_kind("dask")
    chosen = options(workers=3, gpus=1, groups=[GPU])
    counted = kind.resources(chosen)
    assert (counted.workers, counted.cores, counted.gpus) == (5, 3 + 2 * 2, 3 + 2)
    assert counted.memory == (3 + 2 * 4) * GIB
    assert kind.wanted(chosen) == 5
    adaptive = options(adaptive={"minimum": 1, "maximum": 4}, groups=[GPU])
    assert kind.bounds(adaptive) == (3, 6)
    assert kind.resources(adaptive).workers == 6


def test_each_group_is_a_role_of_its_own() -> None:
    kind = get_kind("dask")
    roles = {role.name: role for role in kind.roles(options(workers=3, groups=[GPU]))}
    assert list(roles) == ["scheduler", "worker", "gpu"]
    assert (roles["worker"].count, roles["worker"].gpus) == (3, 0)
    gpu = roles["gpu"]
    assert (gpu.count, gpu.cores, gpu.memory, gpu.gpus) == (2, 2, 4 * GIB, 1)


@pytest.mark.shows("K17")
def test_a_worker_with_gpus_offers_them_to_dask(tmp_path: Path) -> None:
    spec = make_spec("dask", {"groups": [GPU]})
    kind = get_kind("dask")
    for role in kind.roles(options(**spec.options)):
        argv = kind.command(role, f"{role.name}-1", spec, Place(tmp_path, head="there")).argv
        assert ("GPU=1" in argv) == (role.name == "gpu")
        if role.name == "gpu":
            assert argv[argv.index("--nthreads") + 1] == "2"
            assert argv[argv.index("--memory-limit") + 1] == str(4 * GIB)


@pytest.mark.parametrize(
    ("rules", "group"),
    [
        ({"gpus": Rule(default=0, minimum=0, maximum=0)}, {"gpus": 1}),
        ({"memory": Rule(maximum="2 GiB")}, {"memory": "3 GiB"}),
        ({"cores": Rule(maximum=2)}, {"cores": 3}),
        ({"workers": Rule(maximum=4)}, {"workers": 3}),
        ({"workers": Rule(maximum=4)}, {"workers": 10**6}),
        ({}, {"name": "worker"}),
        ({}, {"name": "scheduler"}),
        ({}, {"name": "../x"}),
        ({}, {"name": "x" * 21}),
        ({}, {"workers": -1}),
        ({}, {"colour": "blue"}),
    ],
)
def test_groups_keep_to_the_bounds_of_the_profile(
    rules: Mapping[str, Rule], group: dict[str, Any]
) -> None:
    model: type[Options] = narrow(get_kind("dask"), rules)
    with pytest.raises(InvalidRequest):
        parse(model, {"groups": [{"name": "more"} | group]}, "options")
    assert parse(model, {"groups": [{"name": "more"}]}, "options")


def test_two_groups_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="taken"):
        parse(get_kind("dask").Options, {"groups": [GPU, GPU]}, "options")


def test_a_profile_may_have_a_group_that_nobody_could_ask_for() -> None:
    group = {"name": "gpu", "workers": 2, "cores": 2, "memory": "64 GiB", "gpus": 1}
    rules = {
        "memory": Rule(maximum="2 GiB"),
        "gpus": Rule(default=0, minimum=0, maximum=0),
        "groups": Rule(default=[group]),
    }
    kind = get_kind("dask")
    model = narrow(kind, rules)
    chosen: Any = model()
    assert kind.resources(chosen).gpus == 2
    fewer = kind.change(chosen, {"groups": [{"name": "gpu", "workers": 1}]})
    assert kind.resources(model.model_validate(fewer)).gpus == 1
    with pytest.raises(InvalidRequest):
        parse(model, {"groups": [{**group, "memory": "65 GiB"}]}, "options")


@pytest.mark.parametrize(
    "patch",
    [
        {"gpus": 1},
        {"groups": [{"name": "other", "workers": 1}]},
        {"groups": [{"name": "gpu", "memory": "5 GiB"}]},
        {"groups": [{"workers": 1}]},
        {"groups": ["gpu"]},
        {"groups": 5},
        {"groups": [{"name": ["gpu"]}]},
    ],
)
def test_only_the_sizes_of_groups_change_while_it_runs(patch: dict[str, Any]) -> None:
    kind = get_kind("dask")
    present = options(workers=1, groups=[GPU])
    with pytest.raises(InvalidRequest) as caught:
        kind.change(present, patch)
    assert caught.value.remedy
    changed = options(**kind.change(present, {"groups": [{"name": "gpu", "workers": 0}]}))
    assert [group.workers for group in changed.groups] == [0]
    assert options(**kind.change(changed, {"workers": 2})).groups == changed.groups


# -- real ones -----------------------------------------------------------------------------


def test_who_leaves_is_of_the_role_that_shrinks(tmp_path: Path) -> None:
    given = {"workers": 2, **SMALL, "groups": [{**BIG, "workers": 2}]}
    with made(tmp_path, given) as cluster, client_of(cluster) as client:
        everybody = {"worker-1", "worker-2", "big-1", "big-2"}
        assert cluster.look().ready == everybody
        futures = client.map(lambda n: (n, time.monotonic_ns()), range(40), pure=False)
        wait(futures)
        before = client.gather(futures)
        gone = set(cluster.kind.shrink(cluster.spec, cluster.outside, 3, 60, "big"))
        assert gone == {"big-1", "big-2"}, "no more than there are"
        assert cluster.look().ready == everybody - gone
        gone |= set(cluster.kind.shrink(cluster.spec, cluster.outside, 1, 60, "worker"))
        assert len(cluster.look().ready) == 1
        assert client.gather(futures) == before, "moved, not computed again"
        assert cluster.kind.shrink(cluster.spec, cluster.outside, 1, 60, "unknown") == ()


async def test_a_group_keeps_its_size_while_the_others_change(platform: LocalPlatform) -> None:
    spec = await running(platform, {"workers": 1, **SMALL, "groups": [BIG]})
    async with connected(platform, spec) as client:

        async def limits() -> dict[str, int]:
            workers = (await client.scheduler.identity())["workers"].values()
            return {worker["name"]: worker["memory_limit"] for worker in workers}

        assert await limits() == {"worker-1": 512 * 2**20, "big-1": 700 * 2**20}
        spec = await patched(platform, spec, {"workers": 3})
        await settled(platform, spec, 4)
        spec = await patched(platform, spec, {"workers": 1})
        await settled(platform, spec, 2)
        assert sorted((await limits()).values()) == [512 * 2**20, 700 * 2**20]
        spec = await patched(platform, spec, {"groups": [{"name": "big", "workers": 2}]})
        await settled(platform, spec, 3)
        spec = await patched(platform, spec, {"groups": [{"name": "big", "workers": 0}]})
        seen = await until(
            platform,
            spec.id,
            lambda s: (s.generation, s.phase, s.ready) == (spec.generation, Phase.RUNNING, 1),
        )
        assert seen.status.wanted == 1
        assert list((await limits()).values()) == [512 * 2**20]
