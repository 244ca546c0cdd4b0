"""Bends inputs and reads them with every reader: see ``__main__``."""
