"""One attempt of one step: ``python -m alongside_workflows.step FOLDER``.

The same process everywhere: started by the local runner, or the main process of a pod. What it is
told and what it tells are files in the folder: see `alongside_workflows.task`.
"""
