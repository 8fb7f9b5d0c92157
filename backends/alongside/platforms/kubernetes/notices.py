"""What happens to a backend's pods, told in its story."""

from __future__ import annotations

from alongside.phases import Phase
from alongside.platforms.kubernetes import objects, trouble
from alongside.platforms.kubernetes.builder import natural
from alongside.platforms.kubernetes.charge import Charge


class Notices:
    """Tells each thing once."""

    def __init__(self, charge: Charge) -> None:
        self._of = charge
        self._restarts: dict[str, int] = {}

    def tell(self) -> None:
        """What is new since the last time."""
        of, pods = self._of, self._of.pods()
        told = {line.message for line in of.story.status.stages}
        for pod in pods:
            name, uid = objects.process_of(pod), pod["metadata"]["uid"]
            count, how = trouble.restarts_of(pod)
            if count > self._restarts.get(uid, 0):
                self._restarts[uid] = count
                of.story.tell(f"{name} ended unexpectedly ({how}); it is started again")
            stage = trouble.stage_of(pod, name)
            if stage and stage not in told and of.story.phase is Phase.STARTING:
                of.story.tell(stage)
        names = {objects.process_of(pod) for pod in pods}
        of.story.set(roles=tuple(sorted(names, key=natural)))
