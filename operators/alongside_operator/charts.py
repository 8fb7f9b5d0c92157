"""The two values files of Arkouda's own Helm charts, read as one description. Pure.

One chart is for the locales, one for the server, and what both have must be the same in both. Where
it isn't, that is said by name instead of found out by a launch that hangs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alongside.errors import InvalidFields, InvalidRequest

Values = Mapping[str, Any]

_SAME = (
    "imageRepository",
    "releaseVersion",
    "resources.limits.cpu",
    "resources.limits.memory",
    "server.memTrack",
    "threadsPerLocale",
    "external.persistence.enabled",
    "external.persistence.path",
    "external.persistence.hostPath",
    "secrets.tls",
    "secrets.ssh",
)
_VARIABLES = {
    "releaseVersion": "ARKOUDA_VERSION",
    "imagePullPolicy": "ARKOUDA_IMAGE_POLICY",
    "resources.limits.cpu": "ARKOUDA_CPU_CORES",
    "resources.limits.memory": "ARKOUDA_MEMORY",
    "server.numLocales": "ARKOUDA_TOTAL_NUMBER_OF_LOCALES",
    "threadsPerLocale": "CHPL_NUM_THREADS_PER_LOCALE",
    "server.memMax": "CHPL_MEM_MAX",
    "server.logLevel": "ARKOUDA_LOG_LEVEL",
    "server.port": "ARKOUDA_SERVICE_PORT",
    "server.service.port": "ARKOUDA_SERVICE_PORT",
    "server.service.type": "ARKOUDA_SERVICE_TYPE",
    "server.service.nodeport": "ARKOUDA_NODE_PORT",
    "external.namespace": "ARKOUDA_NAMESPACE",
    "external.service.name": "ARKOUDA_INSTANCE_NAME",
    "external.externalServiceName": "ARKOUDA_INSTANCE_NAME",
    "external.externalSystemName": "ARKOUDA_INSTANCE_NAME",
}
"""Where it stands in the files, of older charts too, and the variable that it is."""
_LOCALES = "ARKOUDA_NUMBER_OF_LOCALES"


def read(locales: Values, server: Values) -> tuple[dict[str, str], list[InvalidRequest]]:
    """The variables that the two files come to, and each disagreement between them."""
    found = {
        variable: str(value)
        for path, variable in _VARIABLES.items()
        if (value := _at(server, path)) not in (None, "")
    }
    if (number := _at(locales, "server.numLocales")) is not None:
        found[_LOCALES] = str(number)
    wrong = [
        InvalidRequest(
            f"{path} is {_text(one)} for the locales and {_text(other)} for the server.",
            "Give it the same value in both files.",
            path,
        )
        for path in _SAME
        if (one := _at(locales, path)) != (other := _at(server, path)) and None not in (one, other)
    ]
    return found, wrong


def checked(variables: InvalidRequest | None, wrong: list[InvalidRequest]) -> None:
    """Raise all that is wrong: with the files, and with what they come to."""
    several = variables.errors if isinstance(variables, InvalidFields) else [variables]
    found = [*wrong, *(one for one in several if one is not None)]
    if found:
        raise found[0] if len(found) == 1 else InvalidFields(found)


def _at(values: Values, path: str) -> Any:
    """What is there; what belongs to no server may be written below `server` as well."""
    found = _below(values, path)
    if found is None and not path.startswith("server."):
        found = _below(values, f"server.{path}")
    return found


def _below(values: Any, path: str) -> Any:
    for word in path.split("."):
        values = values.get(word) if isinstance(values, Mapping) else None
    return values


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)[:80]
