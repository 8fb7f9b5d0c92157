"""What the exporter beside a server on Kubernetes says: asked by whoever can't see its connections.

It looks at the server all the time, from the same pod; to ask it costs the server nothing.
"""

from __future__ import annotations

import http.client

from pydantic import BaseModel, ValidationError

from alongside.errors import NotReady
from alongside.kinds.arkouda.flags import EXPORTER_PORT
from alongside.kinds.base import Observation
from alongside.models import Usage

_LONGEST = 2**20  # bytes of an answer


class _Locale(BaseModel):
    """What the arrays of one locale take."""

    used: int = 0


class _State(BaseModel):
    """The exporter's ``/state``, as far as it is needed here."""

    ready: bool
    idle_since: float | None = None
    memory: tuple[_Locale, ...] = ()
    versions: dict[str, str] = {}
    facts: dict[str, str] = {}


def observe(head: str, port: int, locales: int, timeout: float) -> Observation:
    """How the server on this host is. Raises NotReady, within about `timeout` seconds."""
    connection = http.client.HTTPConnection(head, EXPORTER_PORT, timeout=timeout)
    try:
        connection.request("GET", "/state")
        answer = connection.getresponse()
        content = answer.read(_LONGEST)
        if answer.status != http.client.OK:
            raise NotReady(f"What is beside the Arkouda server answers {answer.status}.")
        state = _State.model_validate_json(content)
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(f"Nothing answers beside the Arkouda server ({error}).") from None
    except ValidationError:
        raise NotReady("What answers beside the Arkouda server is not its exporter.") from None
    finally:
        connection.close()
    if not state.ready:
        raise NotReady("The Arkouda server is not up.")
    return Observation(
        ready=frozenset(f"locale-{n}" for n in range(locales)),
        address=f"tcp://{head}:{port}",
        idle_since=state.idle_since,
        usage=Usage(memory=sum(one.used for one in state.memory)),
        versions=state.versions,
        facts=state.facts,
    )
