"""The local executor: a detached process a run, on the machine that the service is on."""

from alongside_workflows.executors.local.executor import LocalExecutor

__all__ = ["LocalExecutor"]
