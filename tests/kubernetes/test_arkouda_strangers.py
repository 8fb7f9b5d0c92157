"""A locale group and a pod that has nothing to do with it, with network policies in force."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alongside.kinds.arkouda.flags import EXPORTER_PORT, STATUS_PORT
from alongside_operator.doors import SSH_PORT
from tests.kubernetes.arkouda_place import Place, definition, place
from tests.kubernetes.pods import output, restricted, start

__all__ = ["definition", "place"]

pytestmark = pytest.mark.timeout(300)
PROBE = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")
CLIENTS = 5555


@pytest.mark.shows("K103")
async def test_a_stranger_reaches_no_port_of_a_group(place: Place) -> None:
    """Neither those of the server nor, by SSH, a locale. Clients reach no locale either."""
    friend = {"podSelector": {"matchLabels": {"app": "analysis"}}}
    await place.make("sums", locales=2, clients=[friend])
    await place.running("sums", 2)
    pods = await place.pods("sums")
    server = pods.pop("sums-server").status.pod_ip
    (locale,) = (pod.status.pod_ip for pod in pods.values())
    inner = [[server, SSH_PORT], [locale, SSH_PORT], [locale, CLIENTS]]
    door = [server, CLIENTS]
    outer = [door, [server, STATUS_PORT], [server, EXPORTER_PORT]]
    for name, labels, wishes in (
        ("stranger", {}, {"closed": [*outer, *inner]}),
        ("friend", {"app": "analysis"}, {"open": [door], "closed": inner}),
    ):
        command = ["/usr/bin/python3", "-c", PROBE, json.dumps(wishes)]
        pod = restricted(name, place.image, command=command)
        pod["metadata"]["labels"] = labels
        await start(place.api, place.namespace, pod)
        found = json.loads(await output(place.api, place.namespace, name))
        assert found["open"] == [True] * len(wishes.get("open", ()))
        assert found["closed"] == [False] * len(wishes["closed"])
    await place.delete("sums")
    await place.until_gone("sums")
