"""Translators between outside payloads and the nouns of slotengine."""
