"""Pages about runs in the console: what is in their groups, and what people decide about it."""

from services.deduplication.packages import require_packages
from shared.console import Section, Views
from shared.settings import Settings


def _open(settings: Settings) -> Views:
    require_packages()
    from services.deduplication.console.views import views  # noqa: PLC0415 -- who shows no page needs none of its packages

    return views(settings)


SECTION = Section("duplicates", "Duplicates", __name__, _open)
