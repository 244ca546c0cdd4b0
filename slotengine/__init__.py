"""Gives a patient who needs care soon the right reserved slot, and proves it."""
