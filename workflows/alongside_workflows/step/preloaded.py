"""All that an attempt may import, for a runner that forks its steps. No thread is started."""

from __future__ import annotations

from importlib import import_module

from alongside_workflows.step import opening

opening.import_nbformat()  # in its quick way, before any of the others does it
for _name in (
    "alongside_workflows.choosing",
    "alongside_workflows.step.commands",
    "alongside_workflows.step.concluding",
    "alongside_workflows.step.executing",
    "alongside_workflows.step.results",
    "alongside_workflows.step.saving",
    "jupyter_client.asynchronous.client",
    "jupyter_client.manager",
    "jupyter_client.provisioning.local_provisioner",
    "nbformat.v4",
):
    import_module(_name)
