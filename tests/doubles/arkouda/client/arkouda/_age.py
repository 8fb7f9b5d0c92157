"""Which age this client has."""

import os

NEW = os.environ.get("ARKOUDA_DOUBLE_AGE", "2021") != "2021"
VERSION = "v2026.07.15" if NEW else "v2021.08.20"
