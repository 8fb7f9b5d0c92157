"""Any JupyterHub spawner, with backends alongside its sessions.

    class MySpawner(AlongsideMixin, KubeSpawner): ...

The mixin overrides methods and leaves the hub's hook settings to the operator. Without a service
of that name in the hub it changes nothing. State is in the platform, not here: what a killed hub
left unsaid is found out by the service.
"""

# mypy: allow-untyped-calls
# JupyterHub's own methods have no types.

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

from jupyterhub import orm
from jupyterhub.spawner import Spawner
from jupyterhub.utils import maybe_future
from traitlets import Any as AnyValue
from traitlets import Dict, Float, Unicode, Union, default

from alongside.errors import AlongsideError, Unavailable
from alongside_spawners.choice import Choice, alone, wants_nothing
from alongside_spawners.companion import Companion
from alongside_spawners.form import choice_from_form, render_form, render_without_service
from alongside_spawners.refusals import Refusal
from alongside_spawners.service_client import Service
from alongside_spawners.story import Story, merge


class AlongsideMixin(Spawner):
    """Adds the form, validation, a backend for each session, its progress and its end."""

    service_name = Unicode(
        "alongside",
        help="Name of the service in the hub's configuration. Without it the mixin does nothing.",
    ).tag(config=True)

    service_url = Unicode(
        help="""URL of the service's API as the hub reaches it, ending in `api/v1`.

        Default: from the address of the service `service_name` in the hub's configuration.
        """
    ).tag(config=True)

    service_token = Unicode(
        help="""The service's own token (`api_token` in the hub's `services`).

        With it the spawner speaks for the user whose session it starts.
        `alongside_spawners.configure` sets both.
        """
    ).tag(config=True)

    session_service_url = Unicode(
        help="""URL of the service's API as sessions reach it, their `ALONGSIDE_API`.

        Default: `service_url`. Sessions on other machines need the hub's public address here.
        """
    ).tag(config=True)

    service_timeout = Float(15.0, help="Seconds that one call of the service may take.").tag(
        config=True
    )

    stop_timeout = Float(
        10.0,
        help="""Seconds that ending the backends may hold up the end of a session.

        After that the service ends them by itself.
        """,
    ).tag(config=True)

    # JupyterHub 5 hands over whatever JSON it was sent; refused in words rather than as a fault
    user_options = Union([Dict(), AnyValue()], help="What form or REST asked for, as it came.")

    _choice: Choice | None = None
    _story: Story | None = None
    _companion: Companion | None = None
    _told_service = False
    _plain_limits: tuple[Any, Any] | None = None

    # Where the service is

    @default("service_url")
    def _service_url_default(self) -> str:
        db = getattr(self.user, "db", None)
        if db is None or not self.service_name:
            return ""
        service = orm.Service.find(db, self.service_name)
        if service is None or service.server is None:
            return ""
        server = service.server
        return f"{server.proto}://{server.ip}:{server.port}{server.base_url}api/v1"

    @default("session_service_url")
    def _session_service_url_default(self) -> str:
        return self.service_url

    @property
    def service(self) -> Service | None:
        """The service, None when the hub has none."""
        if not self.service_url:
            return None
        return Service(self.service_url, self.service_token, self.service_timeout)

    # The form and what comes of it

    @default("options_form")
    def _options_form_default(self) -> Any:
        return type(self)._form if self.service else ""

    async def _form(self) -> str:
        """The form's HTML for this user as of now."""
        service = self.service
        assert service is not None
        try:
            offers = await service.offers(self.user.name)
        except AlongsideError as error:
            return render_without_service(error)
        last = self.orm_spawner.user_options if self.orm_spawner else None
        return render_form(offers, last)

    @default("options_from_form")
    def _options_from_form_default(self) -> Any:
        return choice_from_form if self.service else self._passthrough_options_from_form

    async def _run_apply_user_options(self, user_options: Any) -> None:
        """Check what form or REST asked for, then let the operator's own hook see it."""
        if self.service:
            await self._choose(user_options)
            if not self.apply_user_options:
                return
        await super()._run_apply_user_options(user_options)

    async def _choose(self, user_options: Any) -> Choice:
        """Have the service check the options; Refusal says what is wrong with them."""
        service = self.service
        assert service is not None
        self._choice = None
        self._story = Story()
        try:
            chosen = Choice.of(await service.choose(self.user.name, user_options or {}))
        except Unavailable as error:
            if not wants_nothing(user_options):
                raise Refusal(error) from None
            chosen = alone(error)
        except AlongsideError as error:
            raise Refusal(error) from None
        self._apply(chosen)
        self._choice = chosen
        return chosen

    def _apply(self, choice: Choice) -> None:
        """Size the session as its profile says, or as it was configured where it says nothing."""
        if self._plain_limits is None:
            self._plain_limits = (self.cpu_limit, self.mem_limit)
        cores, memory = self._plain_limits
        self.cpu_limit = choice.cores or cores
        self.mem_limit = choice.memory or memory

    # The session's environment

    @default("server_token_scopes")
    def _server_token_scopes_default(self) -> Any:
        if not self.service:
            return []
        role = orm.Role.find(self.user.db, "server")
        return [*role.scopes, f"access:services!service={self.service_name}"]

    def get_env(self) -> dict[str, str]:
        env: dict[str, str] = super().get_env()
        if self.service:
            own = {"ALONGSIDE_API": self.session_service_url, "ALONGSIDE_SESSION": self.name}
            profile = dict(self._choice.environment) if self._choice else {}
            # a profile goes before what all sessions get, not before what the hub must tell
            general = {*self.env_keep, *self.environment}
            told = {name: value for name, value in env.items() if name not in general}
            env = {**env, **profile, **told, **own}
        return env

    def backend_place(self) -> Mapping[str, Any]:
        """Where the backend's processes run, and what they have of the session's.

        For subclasses: keys `directory`, `account` and `pod` of a launch; those that mean nothing
        are left out.
        """
        return {}

    # Life

    async def start(self) -> Any:
        """Start session and backend at the same time."""
        service = self.service
        if service is None:
            return await maybe_future(super().start())
        # a hub whose order of calls has changed must not skip the checks
        choice = self._choice or await self._choose(self.user_options)
        self._told_service = False
        self._companion = None
        story = self._story = self._story or Story()
        if choice.message:
            story.tell(choice.message)
        if choice.launch:
            launch = {
                **choice.launch,
                **self.backend_place(),
                "owner": self.user.name,
                "session": self.name,
            }
            self._companion = Companion(service, launch, choice.title, self._nonce(), story)
            self._companion.start()
        try:
            address = await maybe_future(super().start())
            story.tell("The notebook server is up.", 85)
            if self._companion and choice.required:
                story.tell(f"Waiting for the {self._companion.title}.")
                await self._companion.settled(choice.start_timeout)
        except AlongsideError as error:
            raise Refusal(error) from None
        finally:
            self._choice = None
        return address

    def clear_state(self) -> None:
        super().clear_state()
        if self._story is not None:
            self._story.end()
            self._story = None

    def _nonce(self) -> str:
        """The same for a repeated request of this start, another one for every other start."""
        started = getattr(self.orm_spawner, "started", None)
        parts = (self.user.name, self.name, self.api_token, str(started))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    async def poll(self) -> int | None:
        return cast("int | None", await maybe_future(super().poll()))

    async def stop(self, now: bool = False) -> None:
        """Stop the session, and have its backends end."""
        ending = asyncio.create_task(self._end_backends())
        try:
            # not every spawner's stop() knows `now`
            await maybe_future(super().stop(now) if now else super().stop())
        finally:
            await asyncio.wait([ending], timeout=self.stop_timeout)

    async def run_post_stop_hook(self) -> None:
        """Reached from every end: stopped, died, failed to start, died while no hub was there."""
        if not self._told_service:
            await self._end_backends()
        await maybe_future(super().run_post_stop_hook())

    async def delete_forever(self) -> None:
        """A deleted user or named server leaves no backend either."""
        await self._end_backends()
        await maybe_future(super().delete_forever())

    async def _end_backends(self) -> None:
        """Tell the service that the session is over. Never fails, never takes long."""
        service, companion = self.service, self._companion
        if service is None:
            return
        if companion is not None:
            await companion.let_go(self.stop_timeout)
        if self._story is not None:
            self._story.end()
        self._told_service = True  # or tried: once is enough, as the service finds out anyway
        try:
            async with asyncio.timeout(self.stop_timeout):
                await service.session_ended(self.user.name, self.name)
        except (AlongsideError, TimeoutError) as error:
            self.log.warning(
                "The service could not be told that %s is over; it finds out by itself: %s",
                self._log_name,
                error,
            )

    # Progress

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What the base spawner and the backend tell, in one stream."""
        loop = asyncio.get_running_loop()
        soon = loop.time() + 5
        # the hub may ask before it has checked the options
        while self._story is None and self.service and self._is_starting():
            if loop.time() > soon:
                break
            await asyncio.sleep(0.05)
        story = self._story
        if story is None:
            async for event in super().progress():
                yield event
            return
        limit = float(self.start_timeout + self.http_timeout)
        async for event in merge(super().progress(), story, self._is_starting, limit):
            yield event

    def _is_starting(self) -> bool:
        return bool(self._spawn_pending or self._start_pending)
