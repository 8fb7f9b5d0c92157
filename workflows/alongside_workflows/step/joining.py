"""A notebook that goes on in the kernel of another one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alongside_workflows.model import Step
from alongside_workflows.step import opening
from alongside_workflows.step.failing import StepFailed
from alongside_workflows.step.kernel import Kernel, ending, known
from alongside_workflows.task import BAD_INPUT, DEAD_KERNEL

_ANSWER = 60.0  # seconds for the kernel to take its new surroundings


def check(raw: dict[str, Any], step: Step, kernel: Kernel) -> None:
    """Raise StepFailed when a notebook is written for a kernel of another language."""
    try:
        name = opening.kernel_name(raw, step.kernel)
    except StepFailed:
        return  # it doesn't say for which
    wanted, there = known(name).language, known(kernel.name).language
    if wanted.lower() != there.lower():
        raise StepFailed(
            f"The notebook is in {wanted}, but goes on in a kernel for {there}.",
            "Take `joined` out of the step, and hand the data over in a file.",
            BAD_INPUT,
        )


async def settle(kernel: Kernel, variables: Mapping[str, str], directory: Path) -> None:
    """Make it the kernel of the next step: where it is, and what its environment says.

    In Python; a kernel of another language stays where its first notebook was. Raises StepFailed.
    """
    if known(kernel.name).language.lower() != "python":
        return
    code = (
        f"__import__('os').environ.update({dict(variables)!r})\n"
        f"__import__('os').chdir({str(directory)!r})"
    )
    id = kernel.client.execute(code, silent=True, store_history=False)
    try:
        await kernel.reply(id, _ANSWER)
    except TimeoutError:
        status = await kernel.exit_code()
        why = f"it has ended ({ending(status)})" if status is not None else "it does not answer"
        raise StepFailed(
            f"The kernel of the step before can't be used any more: {why}.",
            "Resume the run, which repeats that step too.",
            DEAD_KERNEL,
        ) from None
