"""The command line, and what its help says. Pure."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib.metadata import entry_points

from alongside.cli.options import add_options, bounds
from alongside.kinds import kinds
from alongside.kinds.base import Kind

GROUP = "alongside.commands"
"""Entry points of what adds commands: each is called with the subparsers to add to and the parser
of the arguments that all commands have, and gives its own a default `run`, which takes the parsed
arguments and returns the exit status. It is loaded by every command, so it should import little."""

_EXAMPLES = """\
examples:
  alongside launch dask --workers 4 --cores 1 --memory "1 GiB"
  alongside launch dask --name nightly --adaptive 1:8 --keep --idle "30 min"
  alongside launch arkouda --locales 4 --memory "8 GiB"
  alongside scale nightly 6
  alongside schedule arkouda --days Mon-Fri --from 07:00 --to 19:00 --zone America/New_York
  alongside logs nightly worker-0 --follow
  alongside stop nightly
  alongside submit plot.ipynb -p n=10 --backend dask --option workers=2 --wait
  alongside runs log plot

Outside of a session, name the hub with --url or ALONGSIDE_API, and put a token from the hub's
page "Token" into JUPYTERHUB_API_TOKEN.
"""


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON")
    common.add_argument("--url", help="address of the hub (default: ALONGSIDE_API)")
    parser = argparse.ArgumentParser(
        prog="alongside",
        description="Dask clusters and Arkouda locale groups alongside your JupyterHub session.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=help, parents=[common])

    listing = command("list", "List your backends.")
    listing.add_argument("--all", action="store_true", help="also those that have ended")
    _launch(commands, common)
    _schedule(commands, common)
    command("schedules", "List your schedules.")
    unschedule = command("unschedule", "Delete schedules.")
    unschedule.add_argument("names", nargs="+", metavar="name", help="name or id")
    unschedule.add_argument("--stop", action="store_true", help="also end what they have started")
    _scale(command("scale", "Change the size of a backend while it runs."))
    stop = command("stop", "End backends.")
    stop.add_argument("names", nargs="+", metavar="name", help="name or id")
    _waiting(stop, "wait until nothing of it is left", 60)
    logs = command("logs", "Print what a process of a backend has written.")
    logs.add_argument("name", help="name or id")
    logs.add_argument("role", nargs="?", help="which process (default: the first)")
    logs.add_argument("--lines", type=_count, default=100, metavar="N", help="how many lines")
    logs.add_argument("--follow", action="store_true", help="go on as more is written")
    show = command("show", "Show one backend: state, size, story, lifetimes.")
    show.add_argument("name", nargs="?", help="name or id (default: the session's own)")
    for point in entry_points(group=GROUP):
        point.load()(commands, common)
    command("doctor", "Check that all is in place here, and say what to do where it is not.")
    return parser


def _launch(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    help = "Start a backend and wait until it can be used."
    for one in _kinds(commands, common, "launch", help):
        session = one.add_mutually_exclusive_group()
        session.add_argument("--session", help="the session that it ends with (default: this one)")
        session.add_argument("--free", action="store_true", help="belongs to no session")
        one.add_argument("--keep", action="store_true", help="outlives its session")
        one.add_argument("--no-wait", dest="wait", action="store_false", help="return at once")
        one.add_argument("--timeout", type=_seconds, default=300.0, help="seconds to wait")


def _kinds(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    common: argparse.ArgumentParser,
    name: str,
    help: str,
) -> Iterator[argparse.ArgumentParser]:
    """A command that takes a kind, and what is wanted of it; the parser of each kind."""
    of_kind = commands.add_parser(name, help=help, description=help).add_subparsers(
        dest="kind", required=True, metavar="kind"
    )
    for word, kind in sorted(kinds().items()):
        one = of_kind.add_parser(
            word, help=kind.title, description=kind.description, parents=[common]
        )
        _wanted(one, kind)
        yield one


def _wanted(parser: argparse.ArgumentParser, kind: Kind) -> None:
    """What is launched, now or by a schedule."""
    add_options(
        parser.add_argument_group("size", "What is not given is as in the profile."),
        kind.Options.model_json_schema(),
    )
    parser.add_argument("--name", help=f"how it is called (default: {kind.name})")
    parser.add_argument(
        "--profile", help="which profile (default: the session's, or the first that offers it)"
    )
    parser.add_argument(
        "--image", help="container image (default: the session's own, or the profile's)"
    )
    parser.add_argument("--idle", metavar="TIME", help='ends after this long idle: "30 min"')
    parser.add_argument("--maximum", metavar="TIME", help='ends after this long: "8 h"')


def _schedule(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    help = "Have a backend started at certain times, and stopped again."
    for one in _kinds(commands, common, "schedule", help):
        one.add_argument("--zone", required=True, help="time zone: America/New_York")
        one.add_argument("--days", help="on which days: Mon-Fri (default: daily)")
        one.add_argument("--from", dest="from_", metavar="TIME", help="when it starts: 07:00")
        one.add_argument("--to", metavar="TIME", help="when it stops: 19:00")
        one.add_argument("--start", metavar="CRON", help='instead of --from: "0 7 * * 1-5"')
        one.add_argument("--stop", metavar="CRON", help="instead of --to")
        one.add_argument("--until", metavar="DATE", help="the last day: 2027-06-30")


def _scale(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="name or id")
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("members", nargs="?", type=_count, help="how many workers (locales)")
    size.add_argument(
        "--adaptive", type=bounds, metavar="MIN:MAX", help="let the size follow the work"
    )
    parser.add_argument(
        "--discard",
        action="store_true",
        help="where another size is a new start (Arkouda): lose what is in its memory",
    )
    _waiting(parser, "wait until it has that size", 300)


def _waiting(parser: argparse.ArgumentParser, help: str, seconds: float) -> None:
    parser.add_argument("--wait", action="store_true", help=help)
    parser.add_argument(
        "--timeout", type=_seconds, default=float(seconds), help="seconds to wait at most"
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a whole number")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86400:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not between 0 and 86400 seconds")
    return seconds
