"""The service's API in Python, for scripts and notebooks.

`alongside.async_client` is the same for asyncio: what they ask and how they understand the answers
is in `alongside.operations`. Every call is bounded in time, may safely be repeated when the
connection fails, and raises an `alongside.errors.AlongsideError`, which says what to do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from alongside import operations, scheduling, streams
from alongside.asking import FROM_ENVIRONMENT, WAIT, Asker, Until, answer_of, silence
from alongside.calls import Call, arguments
from alongside.endpoint import Endpoint
from alongside.event_stream import Event
from alongside.exchanges import Answer, Operation, Pause
from alongside.handle import BackendHandle, Target
from alongside.models import Connection, Lifetime
from alongside.requests import Patch, parse
from alongside.schedules import Schedule

T = TypeVar("T")


class Client(Asker):
    """Alongside from a script or a notebook.

    Parameters
    ----------
    url : address of the hub; default: that of the session (``ALONGSIDE_API``)
    token : a token of the hub; default: that of the session (``JUPYTERHUB_API_TOKEN``)

    Where a method takes a `target`, that is a name, an id or a `BackendHandle`. Times are in
    seconds. It can be used as a context manager, which closes its connections.
    """

    def _open(self, endpoint: Endpoint) -> None:
        super()._open(endpoint)
        self._http = httpx.Client(**self._settings())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. Backends keep running."""
        self._http.close()

    def run(self, operation: Operation[T]) -> T:
        """Carry out an operation of `alongside.operations`."""
        answer: Answer | None = None
        while True:
            try:
                step = operation.send(answer)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                answer = None
            else:
                answer = self._exchange(step)

    def _exchange(self, call: Call) -> Answer:
        try:
            return answer_of(self._http.request(**arguments(call)))
        except httpx.RequestError as error:
            return silence(error)

    def healthy(self) -> None:
        """Raise an error when the service does not work; needs no token."""
        self.run(operations.document("healthz"))

    def me(self) -> dict[str, Any]:
        """Who asks, and what the quota grants and leaves."""
        return self.run(operations.document("me"))

    def catalogue(self) -> dict[str, Any]:
        """The profiles on offer, with the schema of each kind's options."""
        return self.run(operations.document("catalogue"))

    def backends(self) -> list[BackendHandle]:
        """All backends that the user may see, newest first."""
        return [BackendHandle(self, state) for state in self.run(operations.backends())]

    def backend(self, target: Target | None = None, kind: str | None = None) -> BackendHandle:
        """The backend of this name or id.

        Without one: the session's own of that kind (default: any, Dask first), or in the step of a
        workflow the one that it computes on.
        """
        if target is None:
            found = self.run(operations.own(self.endpoint, kind))
        else:
            found = self.run(self._find(target))
        return BackendHandle(self, found)

    def launch(
        self,
        kind: str = "dask",
        *,
        name: str | None = None,
        profile: str | None = None,
        image: str | None = None,
        session: str | None = FROM_ENVIRONMENT,
        keep: bool = False,
        lifetime: Lifetime | Mapping[str, Any] | None = None,
        wait: bool = True,
        timeout: float = WAIT,
        **options: Any,
    ) -> BackendHandle:
        """Start a backend, and wait until it can be used.

        `kind` is ``"dask"`` or another installed kind, and `options` its size by the kind's
        schema: for Dask ``workers=4, cores=1, memory="2 GiB"`` or
        ``adaptive={"minimum": 1, "maximum": 8}``. Further:

        - `name`: how it is called; default: like its kind
        - `profile`: the profile that it is taken from; default: the session's, or the first that
          offers the kind
        - `image`: the container image that it runs in, one of those that the profile allows;
          default: the one that was named for the session, or the profile's
        - `session`: the session that it ends with; default: this one; None: no session
        - `keep`: whether it outlives its session
        - `lifetime`: for instance ``{"idle": "30 min", "maximum": "8 h"}``
        - `wait`, `timeout`: whether, and how many seconds, to wait until it is usable
        """
        wish = operations.request(
            kind,
            session=self._session(session),
            name=name,
            profile=profile,
            image=image,
            keep=keep,
            lifetime=lifetime,
            options=options or None,
        )
        return BackendHandle(self, self.run(self._launch(wish, wait, timeout)))

    def scale(
        self,
        target: Target,
        members: int | None = None,
        *,
        wait: bool = False,
        timeout: float = WAIT,
        discard: bool = False,
        **options: Any,
    ) -> BackendHandle:
        """Make it this many workers (locales) large, or give it other options while it runs.

        Where another size is a new start (Arkouda) that loses what is in its memory, so it takes
        `discard`; `BackendHandle.scale` saves and loads it.
        """
        bound = timeout if wait else None
        return BackendHandle(self, self.run(self._scale(target, members, options, bound, discard)))

    def restore(self, named: str | Path, **arguments: Any) -> BackendHandle:
        """Load what is saved in a directory, or of a backend of this name, into that backend.

        `namespace`, `tell`, `keep` and `timeout` as in `alongside.pausing.restore`.
        """
        from alongside.pausing import restore

        return restore(named, self, **arguments)

    def resume(self, named: str | Path, **arguments: Any) -> BackendHandle:
        """Launch a backend as it was when it was paused, and load what it had.

        `namespace`, `tell`, `keep`, `timeout` and changed options as in `alongside.pausing.resume`.
        """
        from alongside.pausing import resume

        return resume(named, self, **arguments)

    def adapt(self, target: Target, minimum: int = 1, maximum: int = 2) -> BackendHandle:
        """Let its size follow the work, between these bounds."""
        bounds = {"minimum": minimum, "maximum": maximum}
        return BackendHandle(
            self, self.run(self._scale(target, None, {"adaptive": bounds}, timeout=None))
        )

    def change(self, target: Target, **changes: Any) -> BackendHandle:
        """Change `lifetime`, `keep` or `shares`, as in the API."""
        patch = parse(Patch, changes)
        return BackendHandle(self, self.run(self._change(target, patch)))

    def stop(self, target: Target, *, wait: bool = False, timeout: float = 60.0) -> None:
        """End it; one that has ended already is no error."""
        self.run(self._stop(target, timeout if wait else None))

    def wait(self, target: Target, until: Until = None, *, timeout: float = WAIT) -> BackendHandle:
        """Wait until it is usable, or in the phase `until`.

        Raises Conflict when it has ended instead, NotReady when it takes longer than `timeout`.
        """
        return BackendHandle(self, self.run(self._wait(target, until, timeout)))

    def schedules(self) -> list[Schedule]:
        """All schedules that the user may see, by name."""
        return self.run(scheduling.schedules())

    def schedule(self, name: str, launch: Mapping[str, Any] | None = None, **more: Any) -> Schedule:
        """Have a backend started at certain times, and stopped again, or a workflow submitted.

        `launch` is what is started, as for ``POST backends``; ``submit=`` what is submitted
        instead, as for ``POST runs`` (`alongside_workflows.schedule` writes that). Times are in a
        named `zone`, as people write them or as cron expressions, and end with the day `until`, if
        given; `at` is for once::

            client.schedule("day", {"kind": "arkouda", "options": {"locales": 4}},
                            days="Mon-Fri", from_="07:00", to="19:00", zone="America/New_York")
            client.schedule("nightly", {"kind": "dask"}, start="0 2 * * *", zone="Europe/Paris")
            client.schedule("tonight", {"kind": "dask"}, at="22:00", to="23:00", zone="UTC")
        """
        return self.run(scheduling.make(scheduling.wish(name, launch, more)))

    def change_schedule(self, target: str, **changes: Any) -> Schedule:
        """Other times, another `launch` or `submit`, `name`, ``suspended=True``; by name or id."""
        return self.run(scheduling.change(target, scheduling.changes(changes)))

    def unschedule(self, target: str, *, stop: bool = False) -> None:
        """Start nothing any more; with `stop`, end what it has started too."""
        self.run(scheduling.remove(target, stop=stop))

    def connection(self, target: Target) -> Connection:
        """Address and credentials; only for its owner and those it is shared with."""
        return self.run(self._connection(target))

    def logs(
        self, target: Target, role: str | None = None, *, lines: int = 100, follow: bool = False
    ) -> Iterator[str]:
        """The last lines that one of its processes wrote; with `follow`, also what comes.

        `role` is one of the backend's roles (``"scheduler"``, ``"worker-0"``), default the first.
        """
        backend = self.run(self._find(target))
        call = streams.logs(backend, role, lines, follow)
        return streams.follow_lines(self._http, call)

    def events(self, last: str | None = None) -> Iterator[Event]:
        """First an event for everything there is, then every change as it happens.

        A connection that breaks is resumed after the last event seen; after several failures in
        a row this raises Unavailable. `last`: the id of the last event of an earlier call.
        """
        return streams.events(self._http, last)
