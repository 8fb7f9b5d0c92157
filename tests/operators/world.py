"""A cluster in a dictionary: what an API server, a StatefulSet controller and kubelets do with the
plans of the operator. Time passes only when a test says so."""

from __future__ import annotations

import copy
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from alongside.platforms.kubernetes.objects import PREFIX
from alongside.platforms.kubernetes.resources import Object
from alongside_operator.group import CLUSTERS, Group, Setting
from alongside_operator.plan import Create, Delete, Patch, Plan
from alongside_operator.seen import Seen, stamp
from alongside_operator.steps import decide

SPEC: Object = {
    "locales": 3,
    "cores": 2,
    "memory": 2 * 2**30,
    "image": "arkouda:1",
    "secretName": "token",
    "server": {"port": 5555, "executable": "arkouda_server"},
}


class World:
    """One namespace with one group; `log` tells what was made and what went, in order."""

    def __init__(self, **spec: Any) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
        self.log: list[str] = []
        self.objects: dict[tuple[str, str], Object] = {}
        self._uids = itertools.count(1)
        self.setting = Setting(exporter_image="alongside:1")
        self.custom: Object | None = {
            "metadata": {
                "name": "sums",
                "namespace": "here",
                "uid": "group-1",
                "generation": 1,
                "labels": {f"{PREFIX}/id": "sums-x", f"{PREFIX}/owner": "ada"},
                "finalizers": [],
            },
            "spec": {**copy.deepcopy(SPEC), **spec},
        }

    # -- what people do --------------------------------------------------------------------

    def change(self, **spec: Any) -> None:
        """Another specification, as ``kubectl patch`` makes it."""
        assert self.custom
        self.custom["spec"] |= spec
        self.custom["metadata"]["generation"] += 1

    def delete(self) -> None:
        """What ``kubectl delete`` does to the group."""
        assert self.custom
        if self.custom["metadata"]["finalizers"]:
            self.custom["metadata"]["deletionTimestamp"] = stamp(self.now)
        else:
            self.custom = None

    def lose(self, name: str) -> None:
        """Somebody else deletes a pod, and it is gone."""
        del self.objects["pods", name]
        self.log.append(f"lost {name}")

    def end_server(self, code: int, **how: Any) -> None:
        """The server's process ends."""
        terminated = {"exitCode": code, **how}
        status = {"name": "server", "state": {"terminated": terminated}}
        self.objects["pods", "sums-server"]["status"]["containerStatuses"] = [status]

    # -- what is seen ----------------------------------------------------------------------

    @property
    def status(self) -> Object:
        assert self.custom
        return dict(self.custom.get("status") or {})

    def all(self, plural: str) -> list[Object]:
        return [item for (kind, _), item in self.objects.items() if kind == plural]

    def seen(self) -> Seen:
        return Seen.of(
            services=self.all("services"),
            policies=self.all("networkpolicies"),
            sets=self.all("statefulsets"),
            pods=self.all("pods"),
            notes=self.all("events"),
        )

    # -- what happens ----------------------------------------------------------------------

    def plan(self) -> Plan:
        assert self.custom
        return decide(Group.of(self.custom), self.seen(), self.setting, self.now)

    def step(self, most: int | None = None) -> Plan:
        """The operator looks once. It is killed after so many of its writes, if `most` is given."""
        plan = self.plan()
        writes: list[Any] = [*plan.actions]
        if plan.status is not None:
            place = len(writes) if any(isinstance(a, Create) for a in writes) else 0
            writes.insert(place, plan.status)
        for write in writes[:most]:
            self._write(write)
        return plan

    def kubernetes(self) -> None:
        """Everybody else does what there is to do: pods come, get ready, and end."""
        for item in self.all("statefulsets"):
            for number in range(item["spec"]["replicas"]):
                self._pod(f"{item['metadata']['name']}-{number}", item["spec"]["template"])
        for pod in self.all("pods"):
            name = pod["metadata"]["name"]
            if pod["metadata"].get("deletionTimestamp"):
                self.log.append(f"gone {name}")
                del self.objects["pods", name]
            elif "status" not in pod:
                pod["status"] = {"phase": "Pending"}
            elif "podIP" not in pod["status"]:
                self.log.append(f"ready {name}")
                number = len(self.log)
                pod["status"] = {
                    "phase": "Running",
                    "podIP": f"10.0.0.{number}",
                    "conditions": [{"type": "Ready", "status": "True"}],
                }
        metadata = (self.custom or {}).get("metadata", {})
        if "deletionTimestamp" in metadata and not metadata["finalizers"]:
            self.custom = None
            self.log.append("gone group")

    def settle(self, most: int = 60) -> None:
        """Until nothing changes any more."""
        for _ in range(most):
            before = copy.deepcopy((self.custom, self.objects))
            if self.custom:
                self.step()
            self.kubernetes()
            self.now += timedelta(seconds=1)
            if before == (self.custom, self.objects):
                return
        raise AssertionError(f"it does not come to rest: {self.status}")

    # -- inside ----------------------------------------------------------------------------

    def _write(self, write: Any) -> None:
        match write:
            case Create(resource, body):
                key = resource.plural, body["metadata"]["name"]
                if key not in self.objects:
                    item = copy.deepcopy(body)
                    item["metadata"]["uid"] = f"uid-{next(self._uids)}"
                    self.objects[key] = item
                    self.log.append(f"made {key[0]} {key[1]}")
            case Delete(resource, name, grace):
                self._delete(resource.plural, name, grace)
            case Patch(resource, name, patch):
                if resource is CLUSTERS:
                    assert self.custom
                    self.custom["metadata"]["finalizers"] = patch["metadata"]["finalizers"]
                elif (item := self.objects.get((resource.plural, name))) is not None:
                    _merge(item, patch)
            case _:
                assert self.custom
                self.custom["status"] = write

    def _delete(self, plural: str, name: str, grace: int | None) -> None:
        item = self.objects.get((plural, name))
        if item is None:
            return
        if plural == "pods" and grace != 0:
            if "deletionTimestamp" not in item["metadata"]:
                self.log.append(f"ending {name}")
                item["metadata"]["deletionTimestamp"] = stamp(self.now + timedelta(seconds=10))
            return
        self.log.append(f"gone {name}")
        del self.objects[plural, name]

    def _pod(self, name: str, template: Object) -> None:
        if ("pods", name) not in self.objects:
            item = copy.deepcopy(template)
            item["kind"] = "Pod"
            item["metadata"] |= {"name": name, "uid": f"uid-{next(self._uids)}"}
            self.objects["pods", name] = item
            self.log.append(f"made pods {name}")


def _merge(item: Object, patch: Object) -> None:
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(item.get(key), dict):
            _merge(item[key], value)
        else:
            item[key] = value
