"""How an Arkouda server is: asked when it has time, known by its traffic when it has not."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ValidationError

from alongside.errors import NotReady
from alongside.kinds.arkouda import beside, keeper, traffic
from alongside.kinds.arkouda.flags import PORT
from alongside.kinds.arkouda.messages import ask
from alongside.kinds.arkouda.traffic import Traffic
from alongside.kinds.base import Observation, Obstacle, Place
from alongside.units import format_memory

_HEALTHY = "imok"
_GLANCE = 0.5  # seconds that a server without work needs at most to say so
_HEALTH = 30.0  # seconds after which it is asked again
_TICK = 0.05  # seconds; the kernel's clock for connections has 1 to 10 ms
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_TITLES = {
    "ZMQVersion": "ZeroMQ",
    "HDF5Version": "HDF5",
    "ParquetVersion": "Parquet",
    "chplVersion": "Chapel",
    "serverHostname": "Host",
    "numLocales": "Locales",
    "numPUs": "Cores each",
    "maxTaskPar": "Threads each",
    "logLevel": "Log level",
    "byteorder": "Byte order",
}


@dataclass
class Watch:
    """What is remembered of one server between two looks. Moments are POSIX seconds.

    It is asked whether it is well only when its clients leave it time: each question is a line in
    its log, and one that works would not answer.
    """

    address: str
    used: float = field(default_factory=time.time)
    answered: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def look(self, seen: Traffic, token: str, moment: float, timeout: float) -> float | None:
        """Since when it is idle, None while it works. Raises NotReady until it first answered."""
        if seen.quiet is not None:
            self.used = max(self.used, moment - seen.quiet)
        if not self.answered:
            self._meet(token, timeout)
        elif seen.busy or (self._is_doubtful(moment) and not self._is_well(token)):
            self.used = moment
            return None
        return self.used

    def _is_doubtful(self, moment: float) -> bool:
        """Whether it may have got work, or got stuck, since it last answered.

        The kernel's clock is too coarse to tell an answer from a question right after it.
        """
        return self.answered < self.used + _TICK or moment > self.answered + _HEALTH

    def _is_well(self, token: str) -> bool:
        try:
            well = ask(self.address, token, "ruok", timeout=_GLANCE).text == _HEALTHY
        except NotReady:
            return False
        self.answered = time.time()
        return well

    def _meet(self, token: str, timeout: float) -> None:
        """The first time: whether it is well, and who it is."""
        if ask(self.address, token, "ruok", timeout=timeout).text != _HEALTHY:
            raise NotReady("The Arkouda server is not well.")
        config = ask(self.address, token, "getconfig", timeout=timeout)
        self.versions, self.facts = describe(config.text)
        self.answered = time.time()


class Address(BaseModel):
    """The file that the keeper writes."""

    port: int


_watches: dict[Path, Watch] = {}


def observe(place: Place, locales: int, timeout: float) -> Observation:
    """How the server of this machine, or of `Place.head`, is. Raises NotReady.

    One that works on a request is as well as it was when it last answered: it is asked again when
    it has time.
    """
    if place.head:
        return beside.observe(place.head, PORT, locales, timeout)
    address = _address(place)
    at = f"tcp://{place.host}:{address.port}"
    watch = _watches.get(place.directory)
    if watch is None or watch.address != at:
        watch = _watches[place.directory] = Watch(at)
    try:
        seen = traffic.look(address.port)
    except OSError as error:
        raise NotReady(f"Its connections can't be seen ({error}).") from None
    idle_since = watch.look(seen, place.secret("token").decode(), time.time(), timeout)
    return Observation(
        ready=frozenset(f"locale-{n}" for n in range(locales)),
        address=at,
        idle_since=idle_since,
        versions=watch.versions,
        facts=watch.facts,
    )


def _address(place: Place) -> Address:
    """The port, once the server has it: before, somebody else might get our token."""
    try:
        if not (place.run / keeper.LISTENING).read_bytes():
            raise NotReady("The Arkouda server is not up.")
        return Address.model_validate_json((place.run / keeper.ADDRESS).read_bytes())
    except (OSError, ValidationError):
        raise NotReady("The Arkouda server is not up.") from None


def epitaph(place: Place) -> Obstacle | None:
    """What the keeper wrote when the server had ended."""
    try:
        return Obstacle(**json.loads((place.run / keeper.PROBLEM).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def normal_version(text: str) -> str:
    """``v2024.04.19+3.gabc`` as package indexes have it: ``2024.4.19``; '' for what isn't one."""
    found = _VERSION.match(text)
    return ".".join(str(int(part)) for part in found.groups()) if found else ""


def describe(config: str) -> tuple[dict[str, str], dict[str, str]]:
    """Versions that clients need too, and facts by title, from the answer to ``getconfig``."""
    try:
        document = json.loads(config)
        items = {str(name): value for name, value in document.items()}
    except (ValueError, AttributeError):
        return {}, {}
    written = str(items.get("arkoudaVersion", ""))
    versions = {"arkouda": version} if (version := normal_version(written)) else {}
    facts = {"Arkouda": written} if written else {}
    facts |= {
        title: str(items[name])[:100]
        for name, title in _TITLES.items()
        if isinstance(items.get(name), str | int | float)
    }
    if isinstance(memory := items.get("physicalMemory"), int) and memory > 0:
        facts["Memory of the machine"] = format_memory(memory)
    return versions, facts
