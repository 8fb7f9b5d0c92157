"""Sessions as pods of a Kubernetes cluster, with their backends alongside.

`AlongsideKubeSpawner` is KubeSpawner with the form, the checks and the backends. All settings of
KubeSpawner stay the operator's, except the list of profiles, which is the catalogue's.
"""

# mypy: allow-untyped-calls
# JupyterHub's and KubeSpawner's own methods have no types.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from traitlets import List, Unicode, default

from alongside.errors import InvalidRequest
from alongside.models import Pod
from alongside_spawners.choice import Choice
from alongside_spawners.mixin import AlongsideMixin
from alongside_spawners.pod_spawner import PodSpawner
from alongside_spawners.refusals import Refusal
from alongside_spawners.session_pod import SETTINGS, shared_with_backend, with_choice

_HUBS_OWN = ("JUPYTERHUB_", "ALONGSIDE_")


class AlongsideKubeSpawner(AlongsideMixin, PodSpawner):
    """Sessions in pods, with backends alongside.

    A profile's sizes, image, node selection and volumes are laid over KubeSpawner's settings for
    one start, after everything else that could change them but `modify_pod_hook`.
    """

    shared_volumes = List(
        Unicode(),
        help="""Names of session volumes that the containers of its backends mount as well.

        For instance ``["home"]``. Such a volume has to allow mounting from several nodes
        (`ReadWriteMany`) where backends run on other nodes than their session.
        """,
    ).tag(config=True)

    _lent: Mapping[str, Any] | None = None

    def added(self) -> Pod:
        return self._choice.pod if self._choice else Pod()

    def tell(self, message: str) -> None:
        if self._story is not None:
            self._story.tell(message)

    # Without a service, KubeSpawner's own form and profiles

    @default("options_form")
    def _options_form_default(self) -> Any:
        owner = AlongsideMixin if self.service else PodSpawner
        return owner._options_form_default(self)

    @default("options_from_form")
    def _options_from_form_default(self) -> Any:
        owner = AlongsideMixin if self.service else PodSpawner
        return owner._options_from_form_default(self)

    # Settings

    def _apply(self, choice: Choice) -> None:
        """Nothing yet: hooks of the operator that run before `start` come first."""

    async def load_user_options(self) -> None:
        """Lay the choice over the settings.

        KubeSpawner reads its own keys from a user's options here. Ours have been checked by the
        service, by name, so nothing of KubeSpawner's can be in them.
        """
        if self._choice is None:
            if self.service is None:
                await super().load_user_options()
            return
        if self.profile_list:
            self.log.warning(
                "KubeSpawner.profile_list is not used: the profiles of %s are those of the "
                "Alongside catalogue. Move them there, or leave Alongside's service out.",
                self._log_name,
            )
        plain = {name: getattr(self, name) for name in SETTINGS}
        self._lent = plain
        for name, value in with_choice(plain, self._choice).items():
            setattr(self, name, value)

    async def start(self) -> Any:
        """Start the pod and the backend at the same time."""
        try:
            return await super().start()
        finally:
            self._give_back()

    def _give_back(self) -> None:
        """The operator's settings again: the next start may be of another profile."""
        for name, value in (self._lent or {}).items():
            setattr(self, name, value)
        self._lent = None

    def get_env(self) -> dict[str, str]:
        env = super().get_env()
        if self._choice is not None:
            for name, value in self._choice.pod.environment.items():
                if not name.startswith(_HUBS_OWN):
                    env[name] = value
        return env

    # What the backend has of the session's

    def backend_place(self) -> dict[str, Any]:
        choice = self._choice
        if choice is None:
            return {}
        plain = {name: getattr(self, name) for name in SETTINGS}
        try:
            pod = shared_with_backend(
                with_choice(plain, choice), self.shared_volumes, self._expand_all
            )
        except (IndexError, KeyError, ValueError) as error:
            raise Refusal(
                InvalidRequest(
                    f"A volume of this session has a template that can't be filled in: {error}.",
                    "Ask an administrator to correct the profile or the hub's configuration.",
                )
            ) from None
        return {"pod": pod} if pod else {}


__all__ = ["AlongsideKubeSpawner", "PodSpawner"]
