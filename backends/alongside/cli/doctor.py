"""``alongside doctor``: is all in place here, and if not, what to do."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from alongside.client import Client
from alongside.endpoint import Endpoint
from alongside.errors import AlongsideError, NotFound
from alongside.handle import BackendHandle
from alongside.kinds import kinds
from alongside.units import format_memory
from alongside.versions import VersionsDiffer, mismatches, own_version, plain

LEAST_DISK = 2**30
CONNECT_TIMEOUT = 10.0
_MARKS = {"ok": "ok    ", "note": "note  ", "failed": "FAILED"}
_LIBRARIES = ("python", "jupyterhub-alongside", "dask", "distributed")


@dataclass(frozen=True)
class Finding:
    """What one check found, and what to do about it."""

    check: str
    result: Literal["ok", "note", "failed"]
    message: str
    remedy: str = ""


def run(given: Any) -> int:
    """Check everything and print the findings; 1 when something has failed."""
    found = []
    for finding in check(given.url, os.environ):
        found.append(finding)
        if not given.json:
            print(f"{_MARKS[finding.result]}  {finding.check}: {finding.message}", flush=True)
            if finding.remedy:
                print(f"        {finding.remedy}", flush=True)
    if given.json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    return int(any(finding.result == "failed" for finding in found))


def check(url: str | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    """All findings; a check that rests on one that failed is left out."""
    around = environment(url, environ)
    yield around
    yield from disk()
    yield Finding("versions", "ok", ", ".join(f"{n} {own_version(n)}" for n in _LIBRARIES))
    if around.result == "failed":
        return
    with Client(url) as client:
        try:
            client.healthy()
            yield Finding("service", "ok", f"it answers at {client.endpoint.url}")
            user = client.me().get("user", "")
            yield Finding("token", "ok", f"it is accepted; you are {user}")
        except AlongsideError as error:
            where = "token" if error.status in (401, 403) else "service"
            yield Finding(where, "failed", error.message, error.remedy)
            return
        yield from cluster(client)
        yield from locales(client)


def environment(url: str | None, environ: Mapping[str, str]) -> Finding:
    """The variables that a session has."""
    try:
        endpoint = Endpoint.find(url, environ=environ)
    except AlongsideError as error:
        return Finding("environment", "failed", error.message, error.remedy)
    if endpoint.session is None:
        return Finding("environment", "note", "this is not a session of the hub")
    return Finding("environment", "ok", f"the session is {endpoint.session or 'the default one'}")


def disk() -> Iterator[Finding]:
    """Room to work in."""
    for folder in dict.fromkeys((Path.cwd(), Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free
        text = f"{format_memory(free)} free in {folder}"
        if free < LEAST_DISK:
            yield Finding("disk", "failed", text, "Delete what you no longer need there.")
        else:
            yield Finding("disk", "ok", text)


def cluster(client: Client) -> Iterator[Finding]:
    """The session's Dask cluster: there, usable, of the same versions."""
    if client.endpoint.session is None:
        return
    try:
        handle = client.backend(kind="dask")
    except NotFound as error:
        yield Finding("dask", "note", error.message, error.remedy)
        return
    except AlongsideError as error:
        yield Finding("dask", "failed", error.message, error.remedy)
        return
    try:
        handle.wait(timeout=CONNECT_TIMEOUT)
        count = _connect(handle)
    except AlongsideError as error:
        yield Finding("dask", "failed", error.message, error.remedy)
        return
    except OSError as error:
        remedy = f"Look at `alongside logs {handle.name}`, then stop it and launch another one."
        yield Finding("dask", "failed", f"{handle.name} can't be reached ({error})", remedy)
        return
    yield Finding("dask", "ok", f"{handle.name} answers, {count} workers")
    yield from _differences(handle)


def _differences(handle: BackendHandle) -> Iterator[Finding]:
    for found in mismatches(handle.state.versions):
        yield Finding(
            "versions", "failed", str(found), "Use the same environment, launch it again."
        )


def locales(client: Client) -> Iterator[Finding]:
    """The session's Arkouda group, if it has one: there, and this environment has a client."""
    if client.endpoint.session is None or "arkouda" not in kinds():
        return
    try:
        handle = client.backend(kind="arkouda")
    except NotFound:
        return
    except AlongsideError as error:
        yield Finding("arkouda", "failed", error.message, error.remedy)
        return
    try:
        handle.wait(timeout=CONNECT_TIMEOUT)
        with warnings.catch_warnings():  # they are told below
            warnings.simplefilter("ignore", VersionsDiffer)
            module = handle.client()
    except AlongsideError as error:
        yield Finding("arkouda", "failed", error.message, error.remedy)
        return
    yield Finding("arkouda", "ok", f"{handle.name} answers, client {plain(module.__version__)}")
    yield from _differences(handle)


def _connect(handle: BackendHandle) -> int:
    from distributed import Client as DaskClient

    with DaskClient(handle, timeout=CONNECT_TIMEOUT, set_as_default=False) as client:
        return len(client.scheduler_info(n_workers=-1)["workers"])
