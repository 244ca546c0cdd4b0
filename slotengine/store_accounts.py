"""Regulators of the SAS as rows."""

from slotengine.store_events import Events


class StoredAccounts(Events):
    """The part of a unit of work for it."""
