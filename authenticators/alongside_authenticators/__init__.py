"""Who signs in to a JupyterHub, where a portal or reverse proxy knows that already.

`alongside_authenticators.header` is the authenticator, `alongside_authenticators.parsers` what
makes values of what the portal says. Nothing here needs the rest of Alongside, so any hub with any
spawner can use it.
"""
