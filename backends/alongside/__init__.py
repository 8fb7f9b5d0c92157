"""Alongside: computing that comes along with a JupyterHub session."""
