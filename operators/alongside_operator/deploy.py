"""``python -m alongside_operator.deploy up group``: a group, or an exporter, without a hub.

It is described by the environment variables of Arkouda's own deployment workflows, or by options of
the same names. ``show`` prints the objects for `kubectl`; ``up`` makes them, or changes them, and
waits until the group runs; ``down`` removes them and waits until they are gone. What has been done
already is no error.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from alongside.errors import AlongsideError, Conflict, InvalidFields, InvalidRequest, NotReady
from alongside.kinds.arkouda.flags import EXPORTER_PORT
from alongside.platforms.kubernetes.answers import Undefined
from alongside.platforms.kubernetes.api import Cluster
from alongside.platforms.kubernetes.resources import (
    ARKOUDA_CLUSTERS,
    DEPLOYMENTS,
    PODS,
    SECRETS,
    Object,
)
from alongside_operator import charts, deployed, parameters
from alongside_operator.deployed import KINDS, MANAGER
from alongside_operator.group import KIND
from alongside_operator.parameters import Wanted, Watcher
from alongside_operator.variables import ALIASES, NAMES, NEEDLESS

PATIENCE = 960.0
"""Seconds that a group may take to run, a little more than its operator gives it."""
_PAUSE = 1.0


def _option(variable: str) -> str:
    """The option for a variable: ``--memory`` for ``ARKOUDA_MEMORY``."""
    words = variable.removeprefix("ARKOUDA_").removeprefix("CHPL_").removeprefix("ALONGSIDE_")
    return "--" + words.lower().replace("_", "-")


def _parsed(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m alongside_operator.deploy",
        description="Deploys an Arkouda group, or an exporter for a server elsewhere, as the "
        "environment variables of Arkouda's own workflows say. Options go before variables.",
    )
    parser.add_argument("action", choices=["up", "down", "show"])
    parser.add_argument("what", choices=["group", "exporter"])
    for variable, meaning in NAMES.items():
        parser.add_argument(_option(variable), dest=variable, help=f"{meaning} ({variable})")
    for variable in (*ALIASES, *NEEDLESS):
        parser.add_argument(_option(variable), dest=variable, help=argparse.SUPPRESS)
    parser.add_argument(
        *("--charts", "-f"),
        nargs=2,
        type=Path,
        metavar=("LOCALE.yaml", "SERVER.yaml"),
        help="values of Arkouda's own two charts; variables and options go before them",
    )
    parser.add_argument("--timeout", type=float, default=PATIENCE, help="seconds to wait")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """The exit status."""
    options = vars(_parsed(words))
    known = (*NAMES, *ALIASES, *NEEDLESS)
    given = {name: environ[name] for name in known if name in environ}
    given |= {name: options[name] for name in known if options[name] is not None}
    for name in NEEDLESS:
        if given.pop(name, None) is not None:
            _complain(f"{name} is not needed. {NEEDLESS[name]}")
    try:
        given = _with_charts(options["charts"] or (), given, options["what"])
        asyncio.run(_act(options["action"], options["what"], given, options["timeout"]))
    except InvalidRequest as error:
        for one in error.errors if isinstance(error, InvalidFields) else [error]:
            _complain(str(one))
        return 2
    except AlongsideError as error:
        _complain(str(error))
        return 1
    return 0


def _with_charts(paths: Sequence[Path], given: dict[str, str], what: str) -> dict[str, str]:
    """The variables with those of the charts' values. Raises all that is wrong with these."""
    if not paths:
        return given
    if what != "group":
        raise InvalidRequest("Only a group has two charts.", "Leave --charts out.", "charts")
    known, wrong = charts.read(*(_values(path) for path in paths))
    problem = None
    try:
        parameters.group(known | given)
    except InvalidRequest as error:
        problem = error
    charts.checked(problem, wrong)
    return known | given


def _values(path: Path) -> Mapping[str, Any]:
    try:
        found = YAML(typ="safe").load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise InvalidRequest(
            f"{path} can't be read ({type(error).__name__}).", "Name a file of YAML.", "charts"
        ) from None
    if not isinstance(found, dict):
        raise InvalidRequest(f"{path} has no values.", "Name a chart's values.yaml.", "charts")
    return found


async def _act(action: str, what: str, given: Mapping[str, str], timeout: float) -> None:
    if action == "down":
        name, service, namespace = parameters.removal(what, given)
        await _within(timeout, namespace, lambda api, at: _down(api, what, at, name, service))
        return
    wanted: Wanted | Watcher
    if what == "group":
        wanted = parameters.group(given)
        bodies = deployed.group(wanted)
    else:
        wanted = parameters.exporter(given)
        bodies = deployed.exporter(wanted)
    if action == "up":
        await _within(timeout, wanted.namespace, lambda api, at: _up(api, at, wanted, bodies))
        return
    if wanted.namespace:
        for body in bodies:
            body["metadata"]["namespace"] = wanted.namespace
    YAML(typ="safe", pure=True).dump_all(bodies, sys.stdout)


async def _within(
    timeout: float, namespace: str, deed: Callable[[Cluster, str], Awaitable[None]]
) -> None:
    """Do it in that namespace of the cluster, or the one that is its own, in so many seconds."""
    api = Cluster()
    await api.open()
    try:
        async with asyncio.timeout(timeout):
            await deed(api, namespace or api.namespace)
    except TimeoutError:
        raise NotReady(
            f"It was not done after {timeout:g} s.",
            "It goes on by itself: look again, or repeat it.",
        ) from None
    finally:
        await api.close()


async def _up(api: Cluster, namespace: str, wanted: Wanted | Watcher, bodies: list[Object]) -> None:
    known = [await _there(api, namespace, body) for body in bodies]
    if isinstance(wanted, Wanted) and not wanted.secret:
        await api.create(SECRETS, namespace, deployed.token(wanted, secrets.token_hex(16)))
    for body, there in zip(bodies, known, strict=True):
        await _apply(api, namespace, body, there)
    if isinstance(wanted, Watcher):
        await _until(lambda: _available(api, namespace, wanted.name))
        _say(f"The exporter is at {wanted.service}.{namespace}:{EXPORTER_PORT}/metrics.")
        return
    address = await _until(lambda: _address(api, namespace, wanted.name))
    _say(
        f"The group runs at {address}, for pods of {namespace}; its token is in the Secret "
        f"{deployed.secret_name(wanted)}."
    )


async def _there(api: Cluster, namespace: str, body: Object) -> Object | None:
    """What there is of this name. Raises Conflict when it isn't this command's."""
    kind, name = body["kind"], body["metadata"]["name"]
    try:
        there = await api.get(KINDS[kind], namespace, name)
    except Undefined:
        if kind != "ServiceMonitor":
            raise
        return None
    if there is not None and not _is_ours(there):
        raise Conflict(
            f"There is a {kind} {name} already that was not made by this command.",
            "Choose another name, or remove it.",
        )
    return there


async def _apply(api: Cluster, namespace: str, body: Object, there: Object | None) -> None:
    """Make it, or make it so."""
    kind, spec = body["kind"], body["spec"]
    resource = KINDS[kind]
    try:
        if there is None:
            await api.create(resource, namespace, body)
            return
        if kind == KIND:
            spec = deployed.replacing(there["spec"], spec)
        await api.patch(resource, namespace, body["metadata"]["name"], {"spec": spec})
    except Undefined:
        if kind != "ServiceMonitor":
            raise
        _say("Prometheus' operator isn't installed, so that there is no ServiceMonitor.")


async def _down(api: Cluster, what: str, namespace: str, name: str, service: str) -> None:
    """The group first, which its operator takes down in order; its token when it is gone."""
    kinds = (
        (("ServiceMonitor", name), ("ArkoudaCluster", name), ("Secret", f"{name}-token"))
        if what == "group"
        else (("ServiceMonitor", name), ("Service", service), ("Deployment", name))
    )
    for kind, called in kinds:
        try:
            there = await api.get(KINDS[kind], namespace, called)
        except Undefined:
            continue  # where nobody knows such objects there is none
        if there is None or (kind == "Secret" and not _is_ours(there)):
            continue
        await api.delete(KINDS[kind], namespace, called)
        await _until(functools.partial(_gone, api, namespace, kind, called))
    _say(f"{name} is gone.")


def _is_ours(there: Object) -> bool:
    labels = (there.get("metadata") or {}).get("labels") or {}
    return bool(labels.get("app.kubernetes.io/managed-by") == MANAGER)


async def _until(look: Callable[[], Any]) -> Any:
    """What it finds, once it finds something; the caller limits the time."""
    while not (found := await look()):  # noqa: ASYNC110 - the API server is asked
        await asyncio.sleep(_PAUSE)
    return found


async def _address(api: Cluster, namespace: str, name: str) -> str:
    there = await api.get(ARKOUDA_CLUSTERS, namespace, name)
    if there is None:
        raise NotReady(f"{name} has been removed meanwhile.", "Deploy it again.")
    status = there.get("status") or {}
    if status.get("observedGeneration") != there["metadata"]["generation"]:
        return ""
    if status.get("phase") == "Failed":
        raise NotReady(f"{name} has failed: {status.get('message', '')}".strip())
    return str(status.get("address", "")) if status.get("phase") == "Running" else ""


async def _available(api: Cluster, namespace: str, name: str) -> bool:
    there = await api.get(DEPLOYMENTS, namespace, name) or {}
    status = there.get("status") or {}
    current = status.get("observedGeneration") == (there.get("metadata") or {}).get("generation")
    return bool(current and status.get("updatedReplicas") and status.get("availableReplicas"))


async def _gone(api: Cluster, namespace: str, kind: str, name: str) -> bool:
    if await api.get(KINDS[kind], namespace, name) is not None:
        return False
    if kind != "Deployment":
        return True
    pods, _ = await api.list(PODS, namespace, f"app.kubernetes.io/name={name}")
    return not pods


def _complain(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201 - a command's answer


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - a command's answer


if __name__ == "__main__":
    sys.exit(main())
