"""The environment variables of Arkouda's own deployment workflows, and how one is read. Pure.

Their names are kept, also where two were in use for one thing.
Source: arkouda-contrib, arkouda-on-kubernetes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from alongside.errors import InvalidFields, InvalidRequest
from alongside.kinds.arkouda.flags import METRICS_PORT

IMAGE: Final = "ARKOUDA_IMAGE"
EXPORTER_IMAGE: Final = "ALONGSIDE_EXPORTER_IMAGE"
NAMES: Final[dict[str, str]] = {
    "ARKOUDA_NAMESPACE": "where it is deployed; default: the one of KUBECONFIG",
    "ARKOUDA_INSTANCE_NAME": "name of the group, and of its Service",
    "ARKOUDA_SERVER_NAME": "the same name; for an exporter, the server's in all figures",
    IMAGE: "image of server and locales; without a tag it is that of ARKOUDA_VERSION",
    "ARKOUDA_VERSION": "release of the server",
    "ARKOUDA_IMAGE_POLICY": "when the image is pulled",
    "ARKOUDA_NUMBER_OF_LOCALES": "locales beside the server's own (default 2)",
    "ARKOUDA_TOTAL_NUMBER_OF_LOCALES": "locales in all; follows from the other number",
    "ARKOUDA_CPU_CORES": "cores of each locale (default 2000m)",
    "ARKOUDA_MEMORY": "memory of each locale (default 2048Mi)",
    "CHPL_NUM_THREADS_PER_LOCALE": "threads of each locale; default: one for each core",
    "CHPL_MEM_MAX": "bytes that the arrays of each locale may take",
    "ARKOUDA_UID": "whose the files are that it writes",
    "ARKOUDA_GID": "and of which group",
    "ARKOUDA_TOKEN_SECRET": "Secret with the token, under that key; default: one is made",
    "ARKOUDA_PROMETHEUS_MATCH_LABEL": 'label by which Prometheus finds it, "release: kube-stack"',
    "ARKOUDA_METRICS_POLLING_INTERVAL": "seconds between two looks of Prometheus (default 15)",
    "ARKOUDA_LAUNCHER": "kubernetes; for an exporter, where the server runs (default slurm)",
    "ARKOUDA_METRICS_SERVICE_HOST": "exporter only: host of the server",
    "ARKOUDA_METRICS_SERVICE_PORT": f"exporter only: its port for metrics ({METRICS_PORT})",
    "ARKOUDA_LOG_LEVEL": 'how much the server says, as in "LogLevel.DEBUG"',
    "ARKOUDA_SERVICE_TYPE": "NodePort or LoadBalancer, for clients outside of the cluster",
    "ARKOUDA_NODE_PORT": "the port on the nodes then; default: Kubernetes chooses",
    "ARKOUDA_SERVICE_PORT": "the server's main port (default 5555; an exporter asks it if given)",
    "ARKOUDA_EXPORTER_APP_NAME": "exporter only: its name",
    "ARKOUDA_EXPORTER_SERVICE_NAME": "exporter only: the name of its Service",
    EXPORTER_IMAGE: "exporter only: an image with the Python package alongside",
}
"""All that count, and what they mean."""
ALIASES: Final[dict[str, str]] = {
    "ARKOUDA_EXPORTER_NAMESPACE": "ARKOUDA_NAMESPACE",
    "ARKOUDA_EXPORTER_POLLING_INTERVAL": "ARKOUDA_METRICS_POLLING_INTERVAL",
}
"""Second names of the same thing."""
NEEDLESS: Final[dict[str, str]] = {
    "KUBERNETES_URL": "KUBECONFIG, or the pod's own account, says where the cluster is.",
    "KUBERNETES_API": "KUBECONFIG, or the pod's own account, says where the cluster is.",
    "ARKOUDA_SSH_SECRET": "Each launch has keys of its own.",
    "ARKOUDA_SERVICEACCOUNT_NAME": "A server has no account: the operator keeps its Service.",
    "ARKOUDA_SERVICEACCOUNT_TOKEN_NAME": "A server has no account: the operator keeps its Service.",
    "ARKOUDA_USER": "Files bear numbers, those of ARKOUDA_UID and ARKOUDA_GID.",
    "ARKOUDA_GROUP": "Files bear numbers, those of ARKOUDA_UID and ARKOUDA_GID.",
}
"""What nothing has to be told any more, and why."""

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9./_-]*)\s*[:=]\s*([A-Za-z0-9]?[A-Za-z0-9._-]*)\s*")
_LONGEST_NAME = 45


class Reader:
    """Reads one after the other and collects what is wrong."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = {name: text.strip() for name, text in given.items() if text.strip()}
        self.wrong: list[InvalidRequest] = []
        for second, first in ALIASES.items():
            if (
                second in self.given
                and self.given.setdefault(first, self.given[second]) != (self.given[second])
            ):
                self.refuse(
                    second, f"{first} and {second} say two things.", "Leave one of them out."
                )

    def refuse(self, name: str, message: str, remedy: str) -> None:
        self.wrong.append(InvalidRequest(message, remedy, name))

    def text(self, name: str, default: str = "", *, needed: bool = False) -> str:
        if needed and name not in self.given:
            self.refuse(name, f"{name} is missing.", f"It is the {NAMES[name]}.")
        return self.given.get(name, default)

    def name(self, name: str, default: str = "") -> str:
        found = self.text(name, default, needed=not default)
        if found and (not _NAME.fullmatch(found) or len(found) > _LONGEST_NAME):
            self.refuse(
                name,
                f"{name} is {found[:80]!r}, which can't be a name.",
                f"Use at most {_LONGEST_NAME} lower case letters, digits and dashes.",
            )
        return found

    def number(
        self, name: str, default: str, least: int, of: Callable[[str], int | Decimal] = int
    ) -> int:
        text = self.text(name, default)
        try:
            value = int(of(text))
        except (ValueError, ArithmeticError):
            value = least - 1
        if value < least:
            self.refuse(
                name, f"{name} is {text[:80]!r}.", f"Give a number that is at least {least}."
            )
        return max(value, least)

    def label(self, name: str) -> dict[str, str]:
        text = self.text(name)
        found = _LABEL.fullmatch(text)
        if text and not found:
            self.refuse(name, f"{name} is {text[:80]!r}.", 'Write it like "release: kube-stack".')
        return {found[1]: found[2]} if found else {}

    def conclude(self) -> None:
        if self.wrong:
            raise self.wrong[0] if len(self.wrong) == 1 else InvalidFields(self.wrong)
