"""What is shown to those who look for free slots from outside, with all that shows it."""

from slotengine.directory import Role
from slotengine.domain import Practitioner, Site, Slot, Value
from slotengine.policy import Policy


class Availability(Value):
    """
    Slots with a free seat, as one snapshot of the store had them, by practitioner, start and id.

    ``roles`` are those of their practitioners, ``policies`` those of the territories that own the
    slots or have a share in them. No patient is in it, and no count of bookings.
    """

    slots: tuple[Slot, ...] = ()
    roles: tuple[Role, ...] = ()
    practitioners: tuple[Practitioner, ...] = ()
    sites: tuple[Site, ...] = ()
    policies: tuple[Policy, ...] = ()
