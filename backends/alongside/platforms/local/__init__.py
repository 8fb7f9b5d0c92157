"""The local platform: backends as supervised processes of this machine."""
