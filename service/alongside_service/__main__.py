"""``python -m alongside_service``."""

from alongside_service.settings import AlongsideService

if __name__ == "__main__":
    AlongsideService.launch_instance()
