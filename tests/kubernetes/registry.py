"""A registry in a pod, with one small image of any tag: so that nodes can really pull something.

It may want a password. Nodes reach it as `localhost`, by a port of theirs: container runtimes take
that one without TLS.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kr8s.objects import Pod, Secret, Service

from tests.kubernetes import pods
from tests.kubernetes.release import wait_for

# As the distribution specification of the Open Container Initiative has it, read-only.
SERVER = """
import base64, hashlib, io, json, os, re, subprocess, tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROGRAMS = ("/bin/sh", "/bin/sleep")
TYPE = "application/vnd.oci.image."
blobs = {}

def kept(content, type):
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    blobs[digest] = (content, type)
    return {"mediaType": type, "digest": digest, "size": len(content)}

def layer():
    said = subprocess.run(["ldd", *PROGRAMS], capture_output=True, text=True, check=True).stdout
    libraries = set(re.findall(r"(/\\S+\\.so[.\\d]*) \\(", said))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted({*PROGRAMS, *libraries}):
            content = Path(path).resolve().read_bytes()
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()

LAYER = kept(layer(), TYPE + "layer.v1.tar")
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}[__import__("platform").machine()]

def manifest(tag):
    config = {
        "architecture": MACHINE, "os": "linux",
        "config": {"User": "1000:1000", "Labels": {"tag": tag}},
        "rootfs": {"type": "layers", "diff_ids": [LAYER["digest"]]},
    }
    whole = {
        "schemaVersion": 2, "mediaType": TYPE + "manifest.v1+json",
        "config": kept(json.dumps(config).encode(), TYPE + "config.v1+json"), "layers": [LAYER],
    }
    return kept(json.dumps(whole).encode(), whole["mediaType"])["digest"]

KNOWN = "Basic " + base64.b64encode(os.environ["LOGIN"].encode()).decode()

class Registry(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if os.environ["LOGIN"] and self.headers["Authorization"] != KNOWN:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="registry"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path = self.path.partition("?")[0]
        found = re.fullmatch(r"/v2/fresh/(manifests|blobs)/([\\w:.-]+)", path)
        name = found[2] if found else ""
        if found and found[1] == "manifests" and ":" not in name:
            name = manifest(name)
        content, type = blobs.get(name, (b"{}", "application/json"))
        self.send_response(200 if name in blobs or self.path == "/v2/" else 404)
        self.send_header("Content-Type", type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Docker-Content-Digest", name)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

ThreadingHTTPServer(("", 5000), Registry).serve_forever()
"""


@contextmanager
def registry(api: Any, namespace: str, image: str, login: str = "") -> Iterator[str]:
    """What its image is called, but for a tag.

    image : what it runs in, with Python
    login : name and password, with a colon between; none where anybody may pull
    """
    probe = {"tcpSocket": {"port": 5000}, "periodSeconds": 1}
    command = ["python", "-c", SERVER]
    known = [{"name": "LOGIN", "value": login}]
    body = pods.restricted("registry", image, command=command, readinessProbe=probe, env=known)
    body["metadata"] |= {"namespace": namespace, "labels": {"app": "registry"}}
    pod = Pod(body, api=api)
    pod.create()
    spec = {"type": "NodePort", "selector": {"app": "registry"}, "ports": [{"port": 5000}]}
    name = {"name": "registry", "namespace": namespace}
    service = Service({"metadata": name, "spec": spec}, api=api)
    service.create()
    try:
        wait_for(pod.ready, "the registry is ready")
        service.refresh()
        yield f"localhost:{service.spec.ports[0].nodePort}/fresh"
    finally:
        service.delete()
        pod.delete(grace_period=0)


def credentials(api: Any, namespace: str, name: str, image: str, login: str) -> None:
    """Make the Secret with which the image can be pulled."""
    place = {image.partition("/")[0]: {"auth": b64encode(login.encode()).decode()}}
    config = json.dumps({"auths": place}).encode()
    body = {
        "metadata": {"name": name, "namespace": namespace},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": b64encode(config).decode()},
    }
    Secret(body, api=api).create()
