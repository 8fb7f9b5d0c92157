"""In what the two ages of the server differ."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Age:
    """One version of the server: what it knows and how it behaves."""

    name: str
    version: str
    chapel: str
    requires: tuple[str, ...]
    """The fields without which a request is refused."""
    binds_first: bool
    """Binds before it makes files and prints its banner; otherwise after its banner."""
    ends_on_refusal: bool
    """A wrong token or a request that isn't JSON ends the process."""
    daemons: bool
    """Has the ports for status and metrics."""
    token_variable: bool
    """Reads ARKOUDA_SERVER_TOKEN where the file has no token."""
    config: dict[str, dict[str, str]] = field(default_factory=dict)
    """Config variables: module to name to type."""

    def private(self, module: str, name: str) -> bool:
        """Whether this variable must be given with its module before it."""
        return (module, name) in PRIVATE


PRIVATE = {
    ("ServerDaemon", "daemonTypes"),
    ("ServerDaemon", "logLevel"),
    ("ExternalIntegration", "systemType"),
}


RUNTIME = {
    "printModuleInitOrder": "bool",
    "dataParTasksPerLocale": "int(64)",
    "dataParIgnoreRunningTasks": "bool",
    "dataParMinGranularity": "int(64)",
    "memTrack": "bool",
    "memStats": "bool",
    "memLeaks": "bool",
    "memMax": "uint(64)",
    "memThreshold": "uint(64)",
    "memLog": "string",
    "numLocales": "int(64)",
}

OLD = Age(
    name="2021",
    version="v2021.08.20",
    chapel="1.24.1",
    requires=("user", "token", "cmd", "format", "args"),
    binds_first=False,
    ends_on_refusal=False,
    daemons=False,
    token_variable=False,
    config={
        "Built-in": RUNTIME,
        "ServerConfig": {
            "trace": "bool",
            "logLevel": "LogLevel",
            "ServerPort": "int(64)",
            "perLocaleMemLimit": "int(64)",
            "serverConnectionInfo": "string",
            "authenticate": "bool",
        },
    },
)

NEW = Age(
    name="2026",
    version="v2026.07.15",
    chapel="2.4.0",
    requires=("user", "token", "cmd", "format", "args", "size"),
    binds_first=True,
    ends_on_refusal=True,
    daemons=True,
    token_variable=True,
    config={
        "Built-in": RUNTIME,
        "ServerConfig": {
            "deployment": "Deployment",
            "trace": "bool",
            "logLevel": "LogLevel",
            "logChannel": "LogChannel",
            "logCommands": "bool",
            "ServerPort": "int(64)",
            "perLocaleMemLimit": "int(64)",
            "pythonVersion": "string",
            "serverConnectionInfo": "string",
            "autoShutdown": "bool",
            "serverInfoNoSplash": "bool",
            "authenticate": "bool",
            "saveUsedModules": "bool",
        },
        "MemoryMgmt": {"availableMemoryPct": "real(64)", "memMgmtType": "MemMgmtType"},
        "ServerDaemon": {"daemonTypes": "string", "logLevel": "LogLevel"},
        "ExternalIntegration": {"systemType": "SystemType"},
    },
)

AGES = {age.name: age for age in (OLD, NEW)}
