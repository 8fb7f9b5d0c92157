"""The command line, and what its help says. Pure."""

from __future__ import annotations

import argparse

from alongside.cli.options import add_options, bounds
from alongside.kinds import kinds

_EXAMPLES = """\
examples:
  alongside launch dask --workers 4 --cores 1 --memory "1 GiB"
  alongside launch dask --name nightly --adaptive 1:8 --keep --idle "30 min"
  alongside scale nightly 6
  alongside logs nightly worker-0 --follow
  alongside stop nightly

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
        description="Dask clusters that come along with your JupyterHub session.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=help, parents=[common])

    listing = command("list", "List your backends.")
    listing.add_argument("--all", action="store_true", help="also those that have ended")
    _launch(commands, common)
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
    command("doctor", "Check that all is in place here, and say what to do where it is not.")
    return parser


def _launch(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    help = "Start a backend and wait until it can be used."
    launch = commands.add_parser("launch", help=help, description=help)
    of_kind = launch.add_subparsers(dest="kind", required=True, metavar="kind")
    for name, kind in sorted(kinds().items()):
        one = of_kind.add_parser(
            name, help=kind.title, description=kind.description, parents=[common]
        )
        add_options(
            one.add_argument_group("size", "What is not given is as in the profile."),
            kind.Options.model_json_schema(),
        )
        one.add_argument("--name", help=f"how it is called (default: {name})")
        one.add_argument("--profile", help="which profile (default: the first that offers it)")
        session = one.add_mutually_exclusive_group()
        session.add_argument("--session", help="the session that it ends with (default: this one)")
        session.add_argument("--free", action="store_true", help="belongs to no session")
        one.add_argument("--keep", action="store_true", help="outlives its session")
        one.add_argument("--idle", metavar="TIME", help='ends after this long idle: "30 min"')
        one.add_argument("--maximum", metavar="TIME", help='ends after this long: "8 h"')
        one.add_argument("--no-wait", dest="wait", action="store_false", help="return at once")
        one.add_argument("--timeout", type=_seconds, default=300.0, help="seconds to wait")


def _scale(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="name or id")
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("members", nargs="?", type=_count, help="how many workers (locales)")
    size.add_argument(
        "--adaptive", type=bounds, metavar="MIN:MAX", help="let the size follow the work"
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
