"""``python -m alongside_operator``: look after the groups of one or more namespaces."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Sequence

from alongside.errors import AlongsideError
from alongside_operator.group import Setting
from alongside_operator.handlers import operate
from alongside_operator.tending import Api, Tending


def _parsed(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m alongside_operator",
        description="Looks after ArkoudaCluster objects. KUBECONFIG says where, or the pod's own "
        "service account.",
    )
    parser.add_argument(
        "--namespace",
        action="append",
        help="where the groups are; may be given more than once (default: where it runs itself)",
    )
    parser.add_argument(
        "--exporter-image",
        default=os.environ.get("ALONGSIDE_EXPORTER_IMAGE", ""),
        help="the image beside a server, where its object names none",
    )
    parser.add_argument(
        "--metrics-peers",
        type=json.loads,
        default=os.environ.get("ALONGSIDE_METRICS_PEERS") or "[]",
        help="who may read metrics: a JSON list of NetworkPolicyPeers",
    )
    parser.add_argument("--liveness", default="", help="URL to answer at while it works")
    parser.add_argument("--verbose", action="store_true", help="tell more in the log")
    return parser.parse_args(words)


async def run(given: argparse.Namespace) -> None:
    """Until a signal comes. Raises AlongsideError when there is no cluster."""
    api = Api()
    await api.open()
    try:
        setting = Setting(given.exporter_image, tuple(given.metrics_peers))
        namespaces = given.namespace or [api.namespace]
        await operate(Tending(api, setting), namespaces, given.liveness)
    finally:
        await api.close()


def main(words: Sequence[str] | None = None) -> int:
    """The exit status."""
    given = _parsed(words)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for noisy in ("kopf", "httpx"):
        logging.getLogger(noisy).setLevel(logging.INFO if given.verbose else logging.WARNING)
    try:
        asyncio.run(run(given))
    except AlongsideError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's answer
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
