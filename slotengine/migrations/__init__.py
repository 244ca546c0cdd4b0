"""Alembic migrations of the slotengine tables."""
