"""How the pods of a group are found and by whom: Services and NetworkPolicies. Pure."""

from __future__ import annotations

from alongside.kinds.arkouda.flags import EXPORTER_PORT, STATUS_PORT
from alongside.platforms.kubernetes.objects import PREFIX
from alongside.platforms.kubernetes.resources import Object
from alongside_operator.group import GROUP, Group, Setting

SSH_PORT = 2222


def role_labels(group: Group, role: str) -> dict[str, str]:
    """The labels of the pods of one role: ``server`` or ``locale``."""
    return {**group.own_labels, f"{PREFIX}/role": role}


def match_labels(group: Group, role: str) -> dict[str, str]:
    """Those of them by which they are told from others."""
    return {GROUP: group.name, f"{PREFIX}/role": role}


def services(group: Group) -> list[Object]:
    """How clients find the server, and how locales are known by name."""
    ports = (
        ("arkouda", group.port),
        ("status", STATUS_PORT),
        ("http-exporter", EXPORTER_PORT),
    )
    server: Object = {
        "type": "ClusterIP",
        "selector": match_labels(group, "server"),
        "ports": [
            {"name": name, "port": port, "targetPort": port, "protocol": "TCP"}
            for name, port in ports
        ],
        # Those who ask whether it is ready come by the same name.
        "publishNotReadyAddresses": True,
    }
    locales: Object = {
        "clusterIP": "None",
        "selector": match_labels(group, "locale"),
        "ports": [{"name": "ssh", "port": SSH_PORT, "targetPort": SSH_PORT, "protocol": "TCP"}],
        "publishNotReadyAddresses": True,
    }
    found = [_service(group, group.name, "server", server)]
    if group.others:
        found.append(_service(group, group.locale_name, "locale", locales))
    if group.outside:
        found.append(_service(group, group.outside_name, "server", _outside(group)))
        found[-1]["metadata"]["annotations"] |= group.outside.get("annotations") or {}
    return found


def _outside(group: Group) -> Object:
    """Leads to the one port that wants a token; the others are not for who is outside."""
    port: Object = {
        "name": "arkouda",
        "port": group.port,
        "targetPort": group.port,
        "protocol": "TCP",
    }
    if number := group.outside.get("nodePort"):
        port["nodePort"] = number
    return {
        "type": group.outside["type"],
        "selector": match_labels(group, "server"),
        "ports": [port],
    }


def differs(there: Object, wanted: Object) -> bool:
    """Whether what there is, as the API server has completed it, is another one than is wanted."""
    spec, body = there["spec"], wanted["spec"]
    if wanted["kind"] != "Service":
        return bool(spec != body)
    asked = [port.get("nodePort") for port in body["ports"]]
    given = [port.get("nodePort") for port in spec["ports"]]
    return bool(spec.get("type", "ClusterIP") != body.get("type", "ClusterIP")) or any(
        number not in (None, other) for number, other in zip(asked, given, strict=True)
    )


def _service(group: Group, name: str, role: str, spec: Object) -> Object:
    metadata = group.metadata(name)
    metadata["labels"] = role_labels(group, role)
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def policies(group: Group, setting: Setting) -> list[Object]:
    """Who may connect: a group's pods to each other; to the server, its clients as well."""
    own: Object = {"podSelector": {"matchLabels": {GROUP: group.name}}}
    rules: list[Object] = [{"from": [own]}]
    clients = [dict(peer) for peer in group.spec.get("clients") or ()]
    doors = (
        (clients, (group.port, STATUS_PORT, EXPORTER_PORT)),
        ([dict(peer) for peer in setting.metrics_peers], (EXPORTER_PORT,)),
    )
    for peers, ports in doors:
        if peers:
            listed = [{"protocol": "TCP", "port": port} for port in ports]
            rules.append({"from": peers, "ports": listed})
    locale: list[Object] = [
        # GASNet chooses its UDP ports itself.
        {"from": [own], "ports": [{"protocol": "TCP", "port": SSH_PORT}, {"protocol": "UDP"}]}
    ]
    found = [_policy(group, group.server_name, "server", rules)]
    if group.others:
        found.append(_policy(group, group.locale_name, "locale", locale))
    return found


def _policy(group: Group, name: str, role: str, ingress: list[Object]) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": group.metadata(name),
        "spec": {
            "podSelector": {"matchLabels": match_labels(group, role)},
            "policyTypes": ["Ingress"],
            "ingress": ingress,
        },
    }
