"""``python -m alongside_service``."""

import os
import signal

if __name__ == "__main__":
    if os.getpid() == 1:
        # the kernel drops what the first process of a container is not prepared for;
        # so a stop that comes while we are still importing waits for the keeper
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    from alongside_service.settings import AlongsideService

    AlongsideService.launch_instance()
