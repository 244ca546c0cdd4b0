"""What is shown to those who look from outside."""

from slotengine.store_events import Events


class StoredPublished(Events):
    """The part of a unit of work for it."""
