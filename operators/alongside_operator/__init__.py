"""The operator of `ArkoudaCluster` objects: an Arkouda server with its locales, on Kubernetes.

`group` and `seen` say what is wanted and what is there, `steps` what is to be done next: these are
pure. `tending` does it, over and over, until nothing is left to do; it keeps nothing in memory that
it could not find again, so that an operator which was killed, or away, goes on where it was.
`handlers` has the framework (kopf) tell `tending` what has changed.
"""
