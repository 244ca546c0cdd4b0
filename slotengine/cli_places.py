"""Where patients of a territory live, as far as coordinates can tell a mistake."""

from slotengine.adapters.base import Bounds
from slotengine.fixtures import NAMES
from slotengine.fixtures.communes import box_of

PATIENTS_LIVE_WITHIN_DEGREES = 0.5
"""Some 40 to 55 km around a territory: coordinates further off are taken for a mistake."""


def bounds_of(territory: str) -> Bounds | None:
    """Gives the box of a shipped territory, widened: patients of its doctors live around it too."""
    if territory not in NAMES:
        return None
    return Bounds(**box_of(territory).widened(PATIENTS_LIVE_WITHIN_DEGREES).model_dump())
