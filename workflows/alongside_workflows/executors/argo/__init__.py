"""Runs as Argo `Workflow` objects.

`compile` makes them and `status` reads them, both pure; `attempt` is what runs in the pods; only
`executor` talks to the cluster.
"""
