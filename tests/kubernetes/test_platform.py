"""The Kubernetes platform does what every platform must."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alongside.models import Status
from alongside.phases import Phase
from alongside.platforms.kubernetes import KubernetesPlatform, objects
from alongside.testing import PlatformSuite, make_spec, until
from tests.kubernetes.backends import Bench, make_platform


@pytest.fixture
def platform(bench: Bench) -> KubernetesPlatform:
    """An open platform that acts."""
    return bench.platform


class TestKubernetesPlatform(PlatformSuite):
    timeout = 90.0

    @pytest.fixture
    def another(
        self, kubeconfig: str, namespace: str, images: dict[str, str]
    ) -> Callable[[], KubernetesPlatform]:
        return lambda: make_platform(kubeconfig, namespace, images["session"])


@pytest.mark.shows("K1", "K15")
async def test_the_dask_operator_finds_everything_done(
    platform: KubernetesPlatform, dask_operator: None
) -> None:
    """With the real one at work, which may even be quicker, there is one of each all the same."""
    for _ in range(3):
        spec = make_spec("dask", {"workers": 2, "memory": "256 MiB"})
        await platform.launch(spec)
        await until(platform, spec.id, Phase.RUNNING, 90)
        for generation, workers in enumerate((3, 1), start=2):
            options = spec.options | {"workers": workers}
            await platform.update(
                spec.model_copy(update={"options": options, "generation": generation})
            )
            seen = await until(platform, spec.id, has(workers), 90)
            processes = sorted(map(objects.process_of, platform.inventory.deployments(spec.id)))
            assert processes[0] == "scheduler"
            assert len(processes) == 1 + workers
            assert seen.spec.generation == generation
        await platform.stop(spec.id)
        await until(platform, spec.id, None, 90)


def has(workers: int) -> Callable[[Status], bool]:
    return lambda status: status.phase is Phase.RUNNING and status.ready == workers
