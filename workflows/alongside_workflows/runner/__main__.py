"""``python -m alongside_workflows.runner RUN_FOLDER [SETTINGS]``."""

from __future__ import annotations

import sys

from alongside_workflows.runner.beginning import main

if __name__ == "__main__":
    sys.exit(main())
