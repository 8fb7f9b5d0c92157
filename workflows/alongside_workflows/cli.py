"""The commands about runs, as they are written and explained: ``alongside submit``, ``… runs``.

Loaded by every ``alongside`` command (entry point of group ``alongside.commands``), so it imports
nothing else; what the commands do is in `alongside_workflows.commands`.
"""

from __future__ import annotations

import argparse

Parser = argparse.ArgumentParser
_SUBMIT = """\
Submit a notebook, or a workflow that a YAML or JSON file defines. Its run goes on when this
terminal, the session and the hub are gone.
"""
_EXAMPLES = """\
examples:
  alongside submit plot.ipynb -p n=10 -p title="Wind speed" --follow
  alongside submit fit.ipynb --backend dask --option workers=4 --option memory="2 GiB" --retries 2
  alongside submit nightly.yaml -p year=2026 --check
  alongside submit report.ipynb --at 22:00 --zone Europe/Berlin
  alongside submit report.ipynb --at 22:00 --days weekdays --zone Europe/Berlin

exit status: 0 if it was submitted, with --follow if it has succeeded; 1 if it has failed or was
cancelled; 2 if it can't be submitted so, and nothing has begun. Ctrl-C leaves the run going.
"""


def add(commands: argparse._SubParsersAction[Parser], common: Parser) -> None:
    """Add the commands to the command line of `alongside`."""
    submit = commands.add_parser(
        "submit",
        help="Submit a notebook or a workflow.",
        description=_SUBMIT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    submit.set_defaults(run=_Command("submit"))
    _submit(submit)
    help = "Look at runs, end them, take them up again."
    runs = commands.add_parser("runs", help=help, description=help, parents=[common])
    runs.set_defaults(run=_Command("list"))
    _limit(runs)
    _below(runs)


def _submit(parser: Parser) -> None:
    parser.add_argument("what", metavar="FILE", help="a notebook, or a definition: .yaml, .json")
    parser.add_argument(
        *("-p", "--parameter"),
        dest="parameters",
        action="append",
        type=_pair,
        default=[],
        metavar="NAME=VALUE",
        help="a parameter, by its type in the notebook; may be given several times",
    )
    parser.add_argument(
        "--parameters", dest="file", metavar="FILE", help="parameters in a YAML or JSON file"
    )
    parser.add_argument("--name", help="how the run is called (default: like the file)")
    parser.add_argument("--executor", metavar="NAME", help="who carries it out: local, argo")
    parser.add_argument(
        "--bring",
        action="store_true",
        help="take the notebooks along, for an executor that doesn't see the files here",
    )
    parser.add_argument("--check", action="store_true", help="say what is wrong, submit nothing")
    _waiting(parser)
    _times(parser)
    one = parser.add_argument_group("for a notebook", "A definition says these itself.")
    one.add_argument(
        "--backend",
        metavar="KIND",
        help="what it computes on: dask, arkouda, session (that of this session), none",
    )
    one.add_argument(
        "--option",
        dest="options",
        action="append",
        type=_pair,
        default=[],
        metavar="NAME=VALUE",
        help="of the backend's size: workers=4; may be given several times",
    )
    one.add_argument("--profile", help="the backend's profile (default: the first that offers it)")
    one.add_argument(
        "--minimum", type=_count, metavar="N", help="begin when so many workers are there"
    )
    one.add_argument("--retries", type=_count, metavar="N", help="how often it is tried again")
    one.add_argument("--timeout", metavar="TIME", help='longer is a failure: "1 h"')
    one.add_argument("--cache", action="store_true", help="skip it when nothing has changed")
    one.add_argument("--output", metavar="PLACE", help="where the executed notebook is put besides")
    one.add_argument("--kernel", metavar="NAME", help="another kernel")
    tagged = "execute only cells with this tag; may be given several times"
    one.add_argument("--cell", dest="cells", action="append", metavar="TAG", help=tagged)
    called = "call this function of the notebook, and execute only the cells that this needs"
    one.add_argument("--function", dest="functions", action="append", metavar="NAME", help=called)


def _times(parser: Parser) -> None:
    times = parser.add_argument_group(
        "by the clock", "Instead of now. See what there is with: alongside schedules"
    )
    help = "when: 22:00 is the next time, 2026-11-23T22:00 that day; with --days on each of them"
    times.add_argument("--at", metavar="TIME", help=help)
    times.add_argument("--days", help="again and again on these: weekdays, daily, Mon,Wed")
    times.add_argument("--start", metavar="CRON", help='instead of both: "0 22 * * 1-5"')
    times.add_argument("--zone", help="time zone: America/New_York (default: that of $TZ)")
    times.add_argument("--until", metavar="DATE", help="the last day: 2027-06-30")
    help = "begin also while the last run still goes on (default: that time is skipped)"
    times.add_argument("--together", action="store_true", help=help)


def _below(runs: Parser) -> None:
    # what is absent here must not undo what was said before: alongside runs --json show x
    again = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    again.add_argument("--json", action="store_true", help="print JSON")
    again.add_argument("--url", help="address of the hub (default: ALONGSIDE_API)")
    commands = runs.add_subparsers(dest="action", metavar="action")

    def command(name: str, help: str) -> Parser:
        one = commands.add_parser(name, help=help, description=help, parents=[again])
        one.set_defaults(run=_Command(name))
        return one

    def with_run(name: str, help: str) -> Parser:
        one = command(name, help)
        one.add_argument("wanted", metavar="run", help="its id, or a name: the newest of that name")
        return one

    def with_step(name: str, help: str) -> Parser:
        one = with_run(name, help)
        default = "the one that has failed, else the one at work, else the last"
        one.add_argument("step", nargs="?", help=f"which step (default: {default})")
        one.add_argument("--attempt", type=_count, metavar="N", help="which (default: the last)")
        return one

    _limit(command("list", "List your runs, newest first."))
    _waiting(with_run("show", "Show one run with its steps."))
    with_run("cancel", "End a run; its steps get 30 s to stop.")
    _waiting(with_run("resume", "Go on with a run that has failed or was cancelled."))
    log = with_step("log", "Print what a step has printed.")
    log.add_argument("--lines", type=_count, default=100, metavar="N", help="how many lines")
    help = "print more as it comes, until the step is over; the exit status is its outcome"
    log.add_argument("--follow", action="store_true", help=help)
    _output(with_step("notebook", "Get the executed notebook of a step; also while it runs."))
    _output(with_step("report", "Get the executed notebook of a step as an HTML page."))
    _output(with_run("record", "Get what a run was made of and what came out, as an RO-Crate."))
    trace = command("trace", "Tell what made a file, over all runs, by their records.")
    trace.add_argument("file", help="a path, a URL, or a SHA-256")
    trace.add_argument("--derived", action="store_true", help="what was made of it, instead")
    help = "how many of the newest runs are looked at (default: 100)"
    trace.add_argument("--limit", type=_count, metavar="N", help=help)
    trace.add_argument("--html", metavar="FILE", help="write it as a page")
    help = "only steps of this name, or of a workflow of this name; * stands for anything"
    trace.add_argument("--step", metavar="NAME", default="*", help=help)
    help = "only steps with this notebook, or this program; * stands for anything"
    trace.add_argument("--code", metavar="NAME", default="*", help=help)
    for option, word in (("--since", "since"), ("--until", "until")):
        help = f"only what has ended {word} then: 2026-11-22, 2026-11-22T14:00, or 2d (ago)"
        trace.add_argument(option, metavar="TIME", help=help)
    delete = command("delete", "Delete runs with all their files; live ones are cancelled.")
    delete.add_argument("names", nargs="+", metavar="run", help="id or name")


def _output(parser: Parser) -> None:
    parser.add_argument(
        *("-o", "--output"), metavar="FILE", help="where to write it (default: standard output)"
    )


def _limit(parser: Parser) -> None:
    parser.add_argument(
        "--limit", type=_count, default=20, metavar="N", help="how many at most (default: 20)"
    )


def _waiting(parser: Parser) -> None:
    parser.add_argument(
        *("--wait", "--follow"),
        dest="wait",
        action="store_true",
        help="wait until it has ended, and tell how far each step is; the run outlives Ctrl-C",
    )


class _Command:
    """Carries a command out; what it takes is imported only then."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, given: argparse.Namespace) -> int:
        try:
            from alongside_workflows import commands
        except ModuleNotFoundError as error:
            from alongside.errors import InvalidRequest

            raise InvalidRequest(
                f"Workflows can't be used here: {error.name} is not installed.",
                "Install jupyterhub-alongside[workflows].",
            ) from None
        return commands.run(self.name, given)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not like name=value")
    return name, value


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a whole number")
    return int(text)
