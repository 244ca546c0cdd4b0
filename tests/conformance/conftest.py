"""Where the official payloads are: beside the project, never in it."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def conformance() -> Path:
    """Gives the folder of official payloads, or says why the test can't run."""
    shared = os.environ.get("SLOTENGINE_SHARED")
    if not shared:
        pytest.skip("SLOTENGINE_SHARED is not set: the official payloads are not in the project")
    folder = Path(shared) / "conformance"
    # Set and wrong is a mistake of the one who set it: no skip hides it.
    assert folder.is_dir(), "SLOTENGINE_SHARED has no folder `conformance`"
    return folder
