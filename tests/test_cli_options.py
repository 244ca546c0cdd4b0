"""What every command shares: exit codes, errors in one sentence, database, language, instant."""

import sqlite3
from pathlib import Path

import pytest
from builders import NOW
from shell import MORNING, Shell

from slotengine.cli_options import exit_code, instant, language
from slotengine.errors import InputError, SlotEngineError
from slotengine.labels import Lang


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("plan", "atlantis"), 3, "atlantis"),
        (("load", "atlantis"), 3, "atlantis"),
        (("demo", "--territory", "atlantis"), 3, "erdre-et-cens"),
        (("explain", "r-nobody"), 4, "r-nobody"),
        (("offers", "r-nobody"), 4, "r-nobody"),
        (("withdraw", "s-nobody", "--reason", "ill"), 4, "s-nobody"),
        (("load", "giennois", "--now", "yesterday"), 3, "ISO 8601"),
        (("load", "giennois", "--now", "2026-11-23T09:00:00"), 3, "offset"),
        (("withdraw", "s-nobody"), 2, "--reason"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_each_kind_of_error_has_its_exit_code_and_one_sentence(
    shell: Shell, words: tuple[str, ...], code: int, said: str
) -> None:
    done = shell.run(*words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_locked_database_is_one_sentence(loaded: Shell) -> None:
    other = sqlite3.connect(loaded.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    done = loaded.run("plan", "pays-de-la-chatre", "--now", MORNING)
    other.execute("ROLLBACK")
    other.close()
    assert done.returncode == 6
    assert "Traceback" not in done.stderr


def test_what_is_no_database_is_one_sentence(shell: Shell) -> None:
    Path(shell.url.removeprefix("sqlite:///")).write_bytes(b"this is a letter, not a database" * 99)
    done = shell.run("territories")
    assert done.returncode == 6
    assert len(done.stderr.strip().splitlines()) <= 2


def test_a_newer_database_is_refused(loaded: Shell) -> None:
    with sqlite3.connect(loaded.url.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE slotengine_version SET version_num = '9999'")
    database.close()
    done = loaded.run("territories")
    assert done.returncode == 6
    assert "newer" in done.stderr


def test_a_read_only_database_is_one_sentence(loaded: Shell) -> None:
    path = loaded.url.removeprefix("sqlite:///")
    read_only = f"sqlite:///file:{path}?mode=ro&uri=true"
    done = loaded.run("plan", "pays-de-la-chatre", "--now", MORNING, "--db", read_only, db=False)
    assert done.returncode == 6
    assert "Traceback" not in done.stderr


def test_upgrade_makes_the_tables(shell: Shell) -> None:
    assert shell.json("db", "upgrade") == {"upgraded": True}
    assert shell.run("db", "upgrade").stdout.strip() == "La base est à jour."


def test_without_db_the_data_folder_is_used(shell: Shell) -> None:
    done = shell.run("territories", "--json", db=False)
    assert done.returncode == 0, done.stderr
    assert (shell.folder / "data" / "slotengine" / "slotengine.sqlite").exists()


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("fr_FR.UTF-8", Lang.FR), ("fr_CA", Lang.FR), ("en_GB.UTF-8", Lang.EN), ("C", Lang.EN)],
)
def test_the_locale_chooses_the_language(
    monkeypatch: pytest.MonkeyPatch, locale: str, expected: Lang
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert language(None) is Lang.EN
    monkeypatch.setenv("LANG", locale)
    assert language(None) is expected
    assert language(Lang.EN) is Lang.EN


def test_an_instant_keeps_its_offset() -> None:
    assert instant("2026-11-23T09:00:00+01:00") == NOW
    with pytest.raises(InputError):
        instant("2026-13-01T00:00:00Z")


def test_a_bug_of_ours_has_a_code_of_its_own() -> None:
    assert exit_code(SlotEngineError("odd")) == 1
    assert exit_code(None) == 0
