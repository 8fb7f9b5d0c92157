"""Whether the cluster adds nodes for pods that fit nowhere, by what its autoscaler says of them."""

from __future__ import annotations

from alongside.platforms.kubernetes.resources import Object

FIELDS = ",".join(
    [
        "involvedObject.kind=Pod",
        "type=Normal",
        # what is said of each pod, most of which never wait for a node
        *(f"reason!={r}" for r in ("Scheduled", "Pulling", "Pulled", "Created", "Started")),
        "reason!=Killing",
    ]
)
"""The field selector of the events that may be an autoscaler's."""
# The Cluster Autoscaler's word for it, and Karpenter's.
_ADDS, _CANNOT = ("TriggeredScaleUp", "Nominated"), "NotTriggerScaleUp"


class Growth:
    """The newest word about each pod, for as long as the cluster keeps its events."""

    def __init__(self) -> None:
        self._words: dict[str, Object] = {}

    def heard(self, event: Object, there: bool) -> None:
        """Take over an event that is new or has changed, or (`there` False) is gone."""
        uid = str(event["involvedObject"].get("uid", ""))
        known = self._words.get(uid)
        if not there:
            if known is not None and known["metadata"]["uid"] == event["metadata"]["uid"]:
                del self._words[uid]
        elif event.get("reason") in (*_ADDS, _CANNOT) and (
            known is None or _version(event) > _version(known)
        ):
            self._words[uid] = event

    def is_coming(self, pod: Object) -> bool:
        """Whether a node is being added for this pod."""
        return self._said(pod).get("reason") in _ADDS

    def refusal(self, pod: Object) -> str:
        """Why no node can be added for this pod; empty if nobody says that none can."""
        said = self._said(pod)
        return str(said.get("message", "")) if said.get("reason") == _CANNOT else ""

    def _said(self, pod: Object) -> Object:
        return self._words.get(str(pod["metadata"].get("uid", "")), {})


def _version(event: Object) -> int:
    return int(event["metadata"]["resourceVersion"])
