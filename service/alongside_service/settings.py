"""The settings of the service, and its start."""

from __future__ import annotations

import logging
import os
import ssl
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from traitlets import Bool, Float, Int, List, Unicode, default
from traitlets.config import Application

if TYPE_CHECKING:
    from alongside_service.endpoints import Announcement
    from alongside_service.service import Service

_PORT = 8790


class AlongsideService(Application):
    """The hub service: admits, watches and ends backends.

    The hub starts it (``c.JupyterHub.services``) and tells it by environment variables where to
    listen and where the hub is.
    """

    name = "alongside-service"
    description = __doc__ or ""

    config_file = Unicode("", help="A traitlets configuration file, Python.").tag(config=True)
    home = Unicode(
        help="Directory of all state. Default: `$ALONGSIDE_HOME`, else `~/.local/share/alongside`."
    ).tag(config=True)
    catalogue = Unicode(
        help="Path of the catalogue, a YAML file. Default: `$ALONGSIDE_CATALOGUE`, else "
        "`catalogue.yaml` in `home`."
    ).tag(config=True)
    url = Unicode(
        help="URL with host and port to listen at. Default: `$JUPYTERHUB_SERVICE_URL`."
    ).tag(config=True)
    prefix = Unicode(
        help="Path that the service is served under. Default: `$JUPYTERHUB_SERVICE_PREFIX`."
    ).tag(config=True)
    api = Unicode(
        help="URL of the API as the steps of runs reach it, up to `api/v1`. Default: that of this "
        "machine, at which pods find nobody."
    ).tag(config=True)
    service_name = Unicode(
        help="The hub's name for this service. Default: `$JUPYTERHUB_SERVICE_NAME`."
    ).tag(config=True)
    platforms = List(
        Unicode(),
        ["local"],
        help="Names of the platforms to use; each takes its own settings by its class name.",
    ).tag(config=True)
    account = Unicode(
        help="Unix account that the backends of a user run as, where the hub's spawner does not "
        "say; `{username}` stands for the user. Empty: the service's own account. "
        "Default: `$ALONGSIDE_ACCOUNT`."
    ).tag(config=True)
    hub_timeout = Float(10.0, help="Seconds that the hub has for an answer.").tag(config=True)
    grace = Float(
        0.0,
        help="Seconds that a backend stays when its session is gone, where its profile does not "
        "say.",
    ).tag(config=True)
    sessions_interval = Float(
        10.0, help="Seconds between two questions to the hub about which sessions there are."
    ).tag(config=True)
    retention = Float(
        3600.0, help="Seconds for which an ended backend's record and logs are kept."
    ).tag(config=True)
    run_retention = Float(
        30 * 86400.0, help="Seconds for which an ended run, its logs and notebooks are kept."
    ).tag(config=True)
    runs = Int(
        100, min=0, help="How many runs each user may have, ended ones that are kept included."
    ).tag(config=True)
    live_runs = Int(
        20, min=0, help="How many runs of each user may be under way at the same time."
    ).tag(config=True)
    schedules = Int(20, min=0, help="How many schedules each user may have.").tag(config=True)
    metrics_without_token = Bool(
        False, help="Whether anybody may read the metrics; they name no user."
    ).tag(config=True)
    end_with_parent = Bool(help="Whether to end when the hub does. Default: if it started us.").tag(
        config=True
    )
    endpoints = Unicode(
        "",
        help="`namespace/name` of a Kubernetes Service without a selector, with a port named "
        "`http`: the replica that acts says in an EndpointSlice that requests go to it, at the "
        "address in `$POD_IP`. Empty: nothing is said.",
    ).tag(config=True)

    aliases = {
        "config": "AlongsideService.config_file",
        "catalogue": "AlongsideService.catalogue",
        "home": "AlongsideService.home",
        "url": "AlongsideService.url",
        "log-level": "Application.log_level",
    }

    @default("home")
    def _home(self) -> str:
        given = os.environ.get("ALONGSIDE_HOME")
        return given or str(Path("~/.local/share/alongside").expanduser())

    @default("catalogue")
    def _catalogue(self) -> str:
        given = os.environ.get("ALONGSIDE_CATALOGUE")
        return given or str(Path(self.home) / "catalogue.yaml")

    @default("account")
    def _account(self) -> str:
        return os.environ.get("ALONGSIDE_ACCOUNT", "")

    @default("url")
    def _url(self) -> str:
        return os.environ.get("JUPYTERHUB_SERVICE_URL", f"http://127.0.0.1:{_PORT}")

    @default("prefix")
    def _prefix(self) -> str:
        return os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/services/alongside/")

    @default("service_name")
    def _service_name(self) -> str:
        return os.environ.get("JUPYTERHUB_SERVICE_NAME", "alongside")

    @default("end_with_parent")
    def _end_with_parent(self) -> bool:
        # the first process of a container has no parent that it could see
        return "JUPYTERHUB_SERVICE_NAME" in os.environ and os.getppid() != 0

    @default("log_level")
    def _log_level(self) -> int:
        return logging.INFO

    def initialize(self, argv: Any = None) -> None:
        """Read the command line and the configuration file."""
        self.parse_command_line(argv)
        if self.config_file:
            path = Path(self.config_file).resolve()
            self.load_config_file(path.name, path=str(path.parent))
            self.parse_command_line(argv)

    def start(self) -> None:
        """Serve until told to stop."""
        logging.basicConfig(
            level=cast("int", self.log_level),
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        )
        logging.getLogger("httpx").setLevel(logging.WARNING)
        token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
        api_url = os.environ.get("JUPYTERHUB_API_URL", "")
        if not token or not api_url:
            sys.exit(
                "JUPYTERHUB_API_TOKEN or JUPYTERHUB_API_URL is not set: let the hub start this "
                "service, by an entry in c.JupyterHub.services."
            )
        from alongside.errors import AlongsideError
        from alongside_service.app import create_app
        from alongside_service.keeper import keep, relieve
        from alongside_service.server import CannotListen, listen, serve

        record = Path(self.home) / "service.json"
        try:
            self.make_service(api_url, token)  # a mistake in the settings is told before we fork
            relieve(record)
            sock = listen(self.url)
        except (AlongsideError, CannotListen) as error:
            sys.exit(str(error))

        def run() -> None:
            serve(create_app(self.make_service(api_url, token)), sock)

        sys.exit(keep(run, record, follow_parent=self.end_with_parent))

    def make_service(self, api_url: str, token: str) -> Service:
        """The service as these settings have it. Raises CatalogueError for a wrong platform."""
        from alongside.catalogue_file import CatalogueFile
        from alongside.platforms import platform_class
        from alongside_service.argo_settings import ArgoRuns
        from alongside_service.hub import Hub
        from alongside_service.run_settings import local_runs, step_api
        from alongside_service.run_token import RunTokens
        from alongside_service.service import Service

        os.environ.setdefault("ALONGSIDE_HOME", self.home)  # where platforms look for it
        platforms = {name: platform_class(name)(parent=self) for name in self.platforms}
        executors, tokens = local_runs(platforms)
        if (argo := ArgoRuns(parent=self).executor(platforms)) is not None:
            executors[argo.name] = argo
        return Service(
            catalogue=CatalogueFile(self.catalogue),
            platforms=platforms,
            executors=executors,
            api=step_api(self.api, self.url, self.prefix, executors),
            # where no directory outlives us, what they are made from is what the hub knows us by
            run_tokens=tokens or RunTokens(seed=token),
            run_retention=timedelta(seconds=self.run_retention),
            most_runs=self.runs,
            most_live_runs=self.live_runs,
            hub=Hub(api_url, token, timeout=self.hub_timeout, tls=_tls()),
            token=token,
            name=self.service_name,
            prefix=self.prefix,
            account=self.account,
            grace=timedelta(seconds=self.grace),
            retention=timedelta(seconds=self.retention),
            sessions_interval=self.sessions_interval,
            metrics_without_token=self.metrics_without_token,
            most_schedules=self.schedules,
            announcement=self._announcement(),
        )

    def _announcement(self) -> Announcement | None:
        if not self.endpoints:
            return None
        from alongside.errors import CatalogueError
        from alongside_service.endpoints import announcement

        try:
            return announcement(self.endpoints, urlsplit(self.url).port or _PORT)
        except ValueError as error:
            raise CatalogueError(
                f"AlongsideService.endpoints is of no use: {error}.", "Correct the settings."
            ) from None


def _tls() -> ssl.SSLContext | None:
    """The hub's internal TLS, where it is switched on."""
    names = ("KEYFILE", "CERTFILE", "CLIENT_CA")
    key, certificate, authority = (os.environ.get(f"JUPYTERHUB_SSL_{n}", "") for n in names)
    if not (key and certificate):
        return None
    context = ssl.create_default_context(cafile=authority or None)
    context.load_cert_chain(certificate, key)
    return context
