"""Messages that go out as rows."""

from slotengine.store_events import Events


class StoredOutbox(Events):
    """The part of a unit of work for it."""
