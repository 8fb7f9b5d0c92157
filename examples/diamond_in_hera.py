"""The smallest graph with branches, as users of Hera write it: only how it is submitted is ours.

``python diamond_in_hera.py``, in a session.
"""

from hera.workflows import DAG, Workflow, script

from alongside_workflows import submit


@script(add_cwd_to_sys_path=False, image="python:alpine3.6")
def echo(message):  # Hera reads this source, and wants no annotations that are postponed
    print(message)


with Workflow(generate_name="dag-diamond-", entrypoint="diamond") as w, DAG(name="diamond"):
    a, b, c, d = (echo(name=name, arguments={"message": name}) for name in "ABCD")
    a >> [b, c] >> d

run = submit(w, wait=True)
for step in run.steps:
    print(step.name, step.state, run.log(step.name).strip())
