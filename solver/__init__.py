"""Pure functions from a Problem to a Plan: no input or output, no clock, no SQL."""
