"""docs/intake.md names every field, header, source and kind, and its example runs."""

import re
from pathlib import Path

import pytest

from slotengine.adapters import PROFILES
from slotengine.adapters.fields import FIELDS
from slotengine.adapters.kinds import KIND

TEXT = (Path(__file__).parent.parent / "docs" / "intake.md").read_text(encoding="utf-8")


def test_every_field_and_every_header_is_listed() -> None:
    for field, others in FIELDS.items():
        (row,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{field}` |")]
        assert [name for name in others if f"`{name}`" not in row] == []


def test_every_source_is_listed_with_its_defaults() -> None:
    for kind, profile in PROFILES.items():
        (row,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{kind.value}` |")]
        said = [profile.priority, *profile.professions, *profile.modes, *profile.required]
        assert [code for code in said if f"`{code}`" not in row] == []


def test_every_kind_is_listed_with_its_words() -> None:
    for kind, (_, english) in KIND.items():
        assert f"| `{kind.value}` | {english} |" in TEXT


def test_the_example_says_what_its_comment_says(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(code, "intake.md", "exec"), {})  # noqa: S102 - our own documentation
    assert capsys.readouterr().out == "urgent 47\n"
