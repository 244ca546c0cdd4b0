"""Messages that came in as rows."""

from slotengine.store_events import Events


class StoredInbox(Events):
    """The part of a unit of work for it."""
