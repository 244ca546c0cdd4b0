"""Where the embedded database and the key of the pseudonyms live when nobody says otherwise."""

from pathlib import Path


def data_folder() -> Path:
    """Gives the user's data folder of slotengine, made when it is missing."""
    # Opened here: only who names no database needs to know where users keep their data.
    from platformdirs import user_data_path

    return user_data_path("slotengine", appauthor=False, ensure_exists=True)


def default_url() -> str:
    """Gives the URL of the embedded SQLite file."""
    return f"sqlite:///{data_folder() / 'slotengine.sqlite'}"


def default_key_file() -> Path:
    """Gives the key file of the pseudonyms: one for all doors."""
    return data_folder() / "pseudonym.key"
