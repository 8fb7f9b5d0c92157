"""What the server says of itself: configuration, memory, figures about its requests."""

from __future__ import annotations

import json
import os
import socket
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from .ages import Age
from .group import Memory
from .messages import Refused
from .options import Options


def processors() -> int:
    """Of this locale."""
    given = os.environ.get("CHPL_RT_NUM_THREADS_PER_LOCALE", "")
    return int(given) if given.isdigit() and int(given) else os.cpu_count() or 1


@dataclass
class State:
    """The answers to questions about the server; also read by the threads of its other ports."""

    age: Age
    options: Options
    memory: Memory
    host: str = field(default_factory=socket.gethostname)
    requests: Counter[str] = field(default_factory=Counter)
    per_user: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def count(self, user: str, cmd: str, seconds: float) -> None:
        """One request has been answered. A server that doesn't trace doesn't count either."""
        if not self.options.trace or self.options.given.get("memTrack") == "false":
            return
        self.requests[cmd] += 1
        self.per_user.setdefault(user, Counter())[cmd] += 1
        self.seconds.setdefault(cmd, []).append(seconds)

    def config(self) -> str:
        """What ``getconfig`` answers."""
        units, locales = processors(), self.memory.locales
        physical = self.memory.physical
        listed = [
            {
                "id": number,
                "name": f"{self.host}-{number}" if locales > 1 else self.host,
                "numPUs": units,
                "maxTaskPar": units,
                "physicalMemory": physical,
            }
            for number in range(locales)
        ]
        found: dict[str, object] = {
            "arkoudaVersion": self.age.version,
            "ZMQVersion": "4.3.4",
            "HDF5Version": "1.10.5",
            "serverHostname": self.host,
            "ServerPort": self.options.port,
            "numLocales": locales,
            "numPUs": units,
            "maxTaskPar": units,
            "physicalMemory": physical,
            "distributionType": "domain(1,int(64),false)",
            "LocaleConfigs": listed,
            "authenticate": self.options.authenticate,
            "logLevel": self.options.level,
            "byteorder": "little",
        }
        if self.age.name != "2021":
            found |= {
                "chapelVersion": self.age.chapel,
                "regexMaxCaptures": 20,
                "autoShutdown": self.options.ends_with_client,
                "serverInfoNoSplash": self.options.silent,
                "logChannel": "FILE" if self.options.to_file else "CONSOLE",
            }
        return json.dumps(found)

    def memory_used(self, args: Mapping[str, str]) -> str:
        """What ``getmemused`` answers: bytes over all locales, or as the arguments say."""
        return self.scaled(self.memory.used, args)

    def memory_left(self, args: Mapping[str, str]) -> str:
        """What ``getavailmem`` answers."""
        return self.scaled(self.memory.limit - self.memory.used, args)

    def scaled(self, amount: int, args: Mapping[str, str]) -> str:
        if args.get("as_percent", "False").lower() == "true":
            return str(round(amount / self.memory.limit * 100))
        return str(amount * self.memory.locales // int(args.get("factor", "1") or 1))

    def memory_status(self) -> str:
        """What ``getmemstatus`` answers: one entry per locale."""
        limit, used = self.memory.limit, self.memory.used
        return json.dumps(
            [
                {
                    "total_mem": limit,
                    "avail_mem": limit - used,
                    "pct_avail_mem": (limit - used) * 100 // limit,
                    "arkouda_mem_alloc": used,
                    "mem_used": used,
                    "locale_id": number,
                    "locale_hostname": self.host,
                }
                for number in range(self.memory.locales)
            ]
        )

    def metrics(self, category: str) -> str:
        """What the metrics port answers; raises Refused for a category that there isn't."""
        groups = {
            "NUM_REQUESTS": self.totals("NUM_REQUESTS", self.requests),
            "RESPONSE_TIME": self.times("RESPONSE_TIME"),
            "AVG_RESPONSE_TIME": self.times("AVG_RESPONSE_TIME"),
            "TOTAL_RESPONSE_TIME": self.times("TOTAL_RESPONSE_TIME"),
            "TOTAL_MEMORY_USED": [
                self.metric(cmd, "TOTAL_MEMORY_USED", self.memory.used / 1e9)
                for cmd in list(self.requests)
            ],
            "SYSTEM": self.system(),
            "SERVER": [],
            "NUM_ERRORS": self.totals("NUM_ERRORS", Counter()),  # the real one never counts any
        }
        users = [
            self.metric(cmd, "NUM_REQUESTS", count, "USER") | {"user": user}
            for user, commands in list(self.per_user.items())
            for cmd, count in list(commands.items())
        ]
        if category == "ALL":
            return json.dumps([one for group in groups.values() for one in group] + users)
        if category == "SERVER_INFO":
            return json.dumps(self.information())
        if category not in groups:
            raise Refused("Invalid MetricType")
        return json.dumps(groups[category])

    def metric(
        self, name: str, category: str, value: float, scope: str = "GLOBAL"
    ) -> dict[str, object]:
        return {
            "name": name,
            "category": category,
            "scope": scope,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S"),
            "value": float(value),
        }

    def totals(self, category: str, counts: Counter[str]) -> list[dict[str, object]]:
        found = [self.metric(cmd, category, count) for cmd, count in list(counts.items())]
        return [*found, self.metric("total", category, counts.total())]

    def times(self, category: str) -> list[dict[str, object]]:
        how = {
            "RESPONSE_TIME": lambda all_: all_[-1],
            "AVG_RESPONSE_TIME": lambda all_: sum(all_) / len(all_),
            "TOTAL_RESPONSE_TIME": sum,
        }[category]
        return [self.metric(cmd, category, how(one)) for cmd, one in list(self.seconds.items())]

    def system(self) -> list[dict[str, object]]:
        used, limit = self.memory.used, self.options.memory or self.memory.physical
        figures = {
            "arkouda_memory_used_per_locale": used,
            "arkouda_percent_memory_used_per_locale": used / limit * 100,
        }
        return [
            self.metric(name, "SYSTEM", value, "LOCALE")
            | {"locale_num": number, "locale_name": self.host, "locale_hostname": self.host}
            for number in range(self.memory.locales)
            for name, value in figures.items()
        ]

    def information(self) -> dict[str, object]:
        return {
            "hostname": self.host,
            "version": self.age.version,
            "server_port": self.options.port,
            "number_of_locales": self.memory.locales,
            "locales": [
                {
                    "name": self.host,
                    "id": str(number),
                    "hostname": self.host,
                    "number_of_processing_units": processors(),
                    "physical_memory": self.memory.physical,
                    "max_number_of_tasks": processors(),
                }
                for number in range(self.memory.locales)
            ],
        }
