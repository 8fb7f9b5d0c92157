"""``python -m tests.lab.killable HOME PORT``: the real service, to be killed and started again.

It has the real local platform; the hub is in memory and knows ada, or nobody if the environment
variable NOBODY is set.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from alongside.catalogue_file import CatalogueFile
from alongside.platforms.local import LocalPlatform
from alongside_service.app import create_app
from alongside_service.server import listen, serve
from alongside_service.service import Service
from tests.client.real import CATALOGUE
from tests.doubles.memory_hub import MemoryHub


def main() -> None:
    home, port = Path(sys.argv[1]), sys.argv[2]
    (home / "catalogue.yaml").write_text(CATALOGUE)
    hub = MemoryHub()
    if "NOBODY" not in os.environ:
        hub.add("ada")
    service = Service(
        catalogue=CatalogueFile(home / "catalogue.yaml"),
        platforms={"local": LocalPlatform(home=str(home), warm=False)},
        hub=hub,
        token="the-service's-own-token",
    )
    serve(create_app(service), listen(f"http://127.0.0.1:{port}"))


if __name__ == "__main__":
    main()
