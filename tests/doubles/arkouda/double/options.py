"""The command line of the server, read as a Chapel program reads it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .ages import Age

ENUMS = {
    "LogLevel": ("DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"),
    "LogChannel": ("CONSOLE", "FILE"),
    "Deployment": ("STANDARD", "KUBERNETES"),
    "MemMgmtType": ("STATIC", "DYNAMIC"),
    "SystemType": ("KUBERNETES", "REDIS", "NONE"),
}
DAEMONS = ("DEFAULT", "INTEGRATION", "METRICS", "STATUS")


class Halt(Exception):
    """What ends a Chapel program at once: a line on standard error, exit status 1."""


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line and in the environment."""

    locales: int = 1
    port: int = 5555
    authenticate: bool = False
    memory: int = 0
    percent: int = 90
    information: str = ""
    trace: bool = True
    silent: bool = False
    ends_with_client: bool = False
    to_file: bool = False
    daemons: tuple[str, ...] = ("DEFAULT",)
    level: str = "INFO"
    given: Mapping[str, str] = field(default_factory=dict)


def help_text(age: Age) -> str:
    """What ``--help`` prints."""
    lines = ["", "FLAGS:", "======", "  -h, --help                : print this message"]
    lines += ["  -a, --about               : print compilation information"]
    lines += ["  -nl <n>, --numLocales=<n> : run program using n locales"]
    lines += ["  -q, --quiet               : run program in quiet mode"]
    lines += ["  -v, --verbose             : run program in verbose mode"]
    lines += ["", "CONFIG VAR FLAGS:", "================="]
    lines += ["  -s, --<cfgVar>=<val>      : set the value of a config var"]
    lines += ["", "CONFIG VARS:", "============"]
    for module, names in age.config.items():
        lines += [f"{module} config vars:"]
        for name, kind in names.items():
            private = " (private)" if age.private(module, name) else ""
            lines.append(f"  {name:>30}: {kind}{private}")
        lines += [""]
    return "\n".join(lines)


def parse(arguments: Sequence[str], age: Age) -> Options:
    """The options; raises Halt for what the server doesn't know or can't read."""
    kinds: dict[str, str] = {}
    for module, names in age.config.items():
        kinds |= {f"{module}.{name}": kind for name, kind in names.items()}
        kinds |= {name: kind for name, kind in names.items() if not age.private(module, name)}
    given: dict[str, str] = {}
    for number, name, value in pairs(arguments, kinds):
        check(number, kinds[name], value)
        given[name.removeprefix("ServerConfig.").removeprefix("Built-in.")] = value
    listed = tuple(
        word.strip().removeprefix("ServerDaemonType.")
        for word in given.get("ServerDaemon.daemonTypes", "ServerDaemonType.DEFAULT").split(",")
    )
    for word in listed:
        if word not in DAEMONS:
            raise Halt(f"illegal argument: 'bad cast from string '{word}' to ServerDaemonType'")
    return Options(
        locales=int(given.get("numLocales", "1")),
        port=int(given.get("ServerPort", "5555")),
        authenticate=truth(given.get("authenticate", "false")),
        memory=int(given.get("memMax", "0")),
        percent=int(given.get("perLocaleMemLimit", "90")),
        information=given.get(
            "serverConnectionInfo", os.environ.get("ARKOUDA_SERVER_CONNECTION_INFO", "")
        ),
        trace=truth(given.get("trace", "true")),
        silent=truth(given.get("serverInfoNoSplash", "false")),
        ends_with_client=truth(given.get("autoShutdown", "false")),
        to_file=given.get("logChannel", "").endswith("FILE"),
        daemons=listed,
        level=given.get("logLevel", "INFO").removeprefix("LogLevel."),
        given=given,
    )


def pairs(arguments: Sequence[str], kinds: Mapping[str, str]) -> Iterator[tuple[int, str, str]]:
    """Position, name and value of each flag."""
    words = iter(enumerate(arguments, 1))
    for number, word in words:
        if word in ("-nl", "--numLocales"):
            yield number, "numLocales", after(words, number, word)
            continue
        if word.startswith("-nl") and word[3:].isdigit():
            yield number, "numLocales", word[3:]
            continue
        if word in ("-q", "--quiet", "-v", "--verbose"):
            continue
        text = word[2:] if word.startswith(("--", "-s")) else ""
        name, equals, value = text.partition("=")
        if name not in kinds:
            raise Halt(f'<command-line>:{number}: error: Unexpected flag:  "{word}"')
        if not equals:
            value = "true" if kinds[name] == "bool" else after(words, number, word)
        yield number, name, value


def after(words: Iterator[tuple[int, str]], number: int, flag: str) -> str:
    """The word that belongs to the flag before it."""
    for _, value in words:
        return value
    raise Halt(f'<command-line>:{number}: error: "{flag}" is missing its value')


def check(number: int, kind: str, value: str) -> None:
    """Raise Halt when `value` isn't one of the type `kind`."""
    good = True
    if kind == "bool":
        good = value in ("true", "false")
    elif kind.startswith(("int", "uint")):
        good = value.isdigit() or (kind.startswith("int") and value.lstrip("-").isdigit())
    elif kind in ENUMS:
        good = value.removeprefix(f"{kind}.") in ENUMS[kind]
    if not good:
        raise Halt(
            f'<command-line>:{number}: error: "{value}" is not a valid value '
            f"for a config value of type {kind}"
        )


def truth(value: str) -> bool:
    """A Chapel bool."""
    return value == "true"
