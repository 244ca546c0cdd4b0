"""
A booking as an iCalendar file for the practice (RFC 5545, RFC 5546): that an hour is taken.

Not for whom and not why: calendars are synchronised to places that nobody counts.
"""

from slotengine.adapters.out_text import Visit, place_line
from slotengine.codes import BookingStatus
from slotengine.destinations import Notice
from slotengine.labels import Lang, Words, word

PRODUCT = "-//slotengine//slotengine//FR"

SUMMARY: dict[BookingStatus, Words] = {
    BookingStatus.CONFIRMED: ("Soins non programmés", "Unscheduled care"),
    BookingStatus.FULFILLED: ("Soins non programmés, venu", "Unscheduled care, came"),
    BookingStatus.NOSHOW: ("Soins non programmés, absent", "Unscheduled care, did not come"),
    BookingStatus.CANCELLED: ("Annulé : soins non programmés", "Cancelled: unscheduled care"),
}


def calendar(notice: Notice, *, visit: Visit | None = None, lang: Lang = Lang.FR) -> bytes:
    """
    Gives the file that adds, changes or takes away the booking in a calendar.

    The same UID always, so that a calendar finds it again; ``visit`` adds the place.
    """
    # Opened here: a host that writes no calendar does not pay for the library.
    from icalendar import Calendar, Event

    cancelled = notice.status is BookingStatus.CANCELLED
    event = Event()
    event.add("uid", f"{notice.booking}@slotengine")
    event.add("dtstamp", notice.changed)
    event.add("sequence", notice.sequence - 1)
    event.add("dtstart", notice.start)
    event.add("dtend", notice.end)
    event.add("summary", word(SUMMARY[notice.status], lang))
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if cancelled else "OPAQUE")
    event.add("class", "PRIVATE")
    place = None if visit is None else place_line(visit)
    if place:
        event.add("location", place)
    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("method", "CANCEL" if cancelled else "REQUEST")
    made.add_component(event)
    written: bytes = made.to_ical()
    return written
