"""Run in a pod: says, as JSON, what it can reach and what it was given.

Its only argument is JSON: ``open`` and ``closed`` are lists of ``[host, port]``. What is said to be
open is tried for a while, since network policies take effect a moment after they are made.
"""

import json
import os
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def reaches(host: str, port: int) -> bool:
    """Whether it accepts a connection."""
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError:
        return False
    return True


def reaches_soon(host: str, port: int) -> bool:
    """The same, with patience."""
    end = time.monotonic() + 20
    while not (found := reaches(host, port)) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def api_says(path: str) -> int:
    """The API server's answer to somebody without credentials."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host = os.environ["KUBERNETES_SERVICE_HOST"]
    url = f"https://{host}:{os.environ['KUBERNETES_SERVICE_PORT']}{path}"
    try:
        with urllib.request.urlopen(url, context=context, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def main(wishes: dict) -> dict:
    """What was found out."""
    return {
        "open": [reaches_soon(*place) for place in wishes.get("open", ())],
        "closed": [reaches(*place) for place in wishes.get("closed", ())],
        "account": ACCOUNT.exists(),
        "api": [api_says(path) for path in wishes.get("api", ())],
        "user": os.getuid(),
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
