"""A real kernel tells front ends which backend its code computes on, however it got there."""

from __future__ import annotations

import pytest

import alongside
from tests.client.real import RealService
from tests.lab.kernel import Kernel

pytestmark = pytest.mark.slow


@pytest.mark.shows("K13")
def test_a_kernel_tells_which_backend_its_code_is_attached_to(service: RealService) -> None:
    with alongside.Client(service.url, service.token) as client:
        ids = [
            client.launch("dask", name=name, workers=1, memory="256 MiB", session="").id
            for name in ("one", "two")
        ]
        kernel = Kernel(service.environment)
        try:
            kernel.run("import alongside; found = alongside.attach(str('o') + 'ne')")
            comm, told = kernel.attached[-1]
            assert told == ids[0]
            # by a library's own means, without a word of ours
            kernel.run("from distributed import Client; other = Client('alongside://two')")
            assert kernel.attached[-1] == (comm, ids[1])
            # a page that was loaded anew asks
            count = len(kernel.attached)
            kernel.say(comm)
            kernel.until(lambda _: len(kernel.attached) > count)
            assert kernel.attached[-1] == (comm, ids[1])
            # a front end that doesn't know what that is closes it; nobody is kept from computing
            kernel.say(comm, "comm_close")
            kernel.run("third = alongside.attach('one')")
            assert kernel.attached[-1][1] == ids[0]
            assert kernel.attached[-1][0] != comm
            assert service.token not in kernel.everything
        finally:
            kernel.close()
            for id in ids:
                client.stop(id, wait=True)
