"""Pseudonyms, their key file, NIR keys and ages."""

import copy
import hashlib
import os
import pickle
import stat
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.errors import InputError, StoreError
from slotengine.vault import Pseudonymiser, age_on, nir_number

KEY = bytes(range(32))
NIR = "279035121518989"
"""The sample of the public French HL7 examples: 97 - 2790351215189 mod 97 = 89."""

BORN = date(1979, 3, 31)


@pytest.fixture
def vault() -> Pseudonymiser:
    return Pseudonymiser(KEY)


# The NIR and its key.


def test_a_nir_with_its_right_key_is_read_with_any_separators() -> None:
    assert nir_number("2 79 03 51 215 189 89") == "2790351215189"
    assert nir_number("2.79.03.51.215.189-89") == "2790351215189"


@pytest.mark.parametrize(
    ("nir", "why"),
    [
        ("279035121518988", "wrong key"),
        ("279035121518990", "wrong key"),
        ("2790351215189", "no key"),
        ("2790351215189890", "too long"),
        ("979035121518989", "no such first digit"),
        ("27903512151898X", "a letter"),
        ("٢79035121518989", "a digit of another script"),
        ("", "nothing"),
    ],
)
def test_a_nir_is_refused_for(nir: str, why: str) -> None:
    assert nir_number(nir) is None, why


def test_corsica_counts_as_19_and_18() -> None:
    # 2A: 1850119004001 = 97 * 19073391793 + 80, key 17. 2B: 97 * 19073381484 + 53, key 44.
    assert 97 * 19073391793 + 80 == 1850119004001
    assert 97 * 19073381484 + 53 == 1850118004001
    assert nir_number("1850 12A 004 001 17") == "185012A004001"
    assert nir_number("185012b00400144") == "185012B004001"
    assert nir_number("185012A00400144") is None
    assert nir_number("185012B00400117") is None


# Pseudonyms.


def test_a_pseudonym_is_32_hexadecimal_characters_and_pinned(vault: Pseudonymiser) -> None:
    key = vault.of_nir(NIR)
    assert key is not None
    assert len(key) == 32
    # Hashed once more here: a change would lose every patient's history.
    text = b"2790351215189"
    framed = len(text).to_bytes(8, "big") + text
    assert key == hashlib.blake2b(framed, digest_size=16, key=KEY, person=b"nir").hexdigest()


def test_the_same_nir_gives_the_same_person_however_written(vault: Pseudonymiser) -> None:
    assert vault.of_nir("2 79 03 51 215 189 89") == vault.of_nir(NIR)


def test_a_nir_with_a_wrong_key_gives_nobody(vault: Pseudonymiser) -> None:
    assert vault.of_nir("279035121518988") is None


def test_a_name_is_the_same_without_accents_case_and_hyphens(vault: Pseudonymiser) -> None:
    written = vault.of_name("Le Cœur-d'Été", "Zoé-Anne", BORN)
    assert written == vault.of_name("LE COEUR D'ETE", "zoe anne", BORN)
    assert written == vault.of_name("lecoeurdete", "ZOÉANNE", BORN)


def test_another_day_or_another_first_name_is_another_person(vault: Pseudonymiser) -> None:
    keys = {
        vault.of_name("Aaa", "Bbb", BORN),
        vault.of_name("Aaa", "Bbb", date(1979, 3, 30)),
        vault.of_name("Aaa", "Bbc", BORN),
        vault.of_name("Bbb", "Aaa", BORN),
        vault.of_name("Aaab", "bb", BORN),
    }
    assert len(keys) == 5


def test_a_name_without_a_letter_gives_nobody(vault: Pseudonymiser) -> None:
    assert vault.of_name("-", "Bbb", BORN) is None
    assert vault.of_name("Aaa", " 12 ", BORN) is None


def test_a_local_id_belongs_to_its_house(vault: Pseudonymiser) -> None:
    one = vault.of_local_id(("giennois", "pharmacy", "a"), "42")
    assert one == vault.of_local_id(("giennois", "pharmacy", "a"), "42")
    assert one != vault.of_local_id(("giennois", "pharmacy", "b"), "42")
    assert one != vault.of_local_id(("giennois", "pharmacy", "a4"), "2")
    assert one != vault.of_local_id(("giennois", "pharmacya"), "42")


def test_kinds_of_material_never_meet(vault: Pseudonymiser) -> None:
    assert vault.of_nir(NIR) != vault.of_local_id((), "2790351215189")


def test_another_key_gives_other_pseudonyms(vault: Pseudonymiser) -> None:
    assert vault.of_nir(NIR) != Pseudonymiser(bytes(32)).of_nir(NIR)


@settings(deadline=None, derandomize=True, max_examples=80)
@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_different_parts_give_different_pseudonyms(one: list[str], other: list[str]) -> None:
    vault = Pseudonymiser(KEY)
    try:
        keys = [vault.of_local_id(tuple(parts), "x") for parts in (one, other)]
    except UnicodeEncodeError:  # lone surrogates are refused by the adapters before they come here
        return
    assert (keys[0] == keys[1]) is (one == other)


# Ages.


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(1980, 11, 23), date(2026, 11, 22), 45),
        (date(1980, 11, 23), date(2026, 11, 23), 46),
        (date(2026, 11, 23), date(2026, 11, 23), 0),
        (date(2020, 2, 29), date(2021, 2, 28), 0),
        (date(2020, 2, 29), date(2021, 3, 1), 1),
        (date(2020, 2, 29), date(2024, 2, 28), 3),
        (date(2020, 2, 29), date(2024, 2, 29), 4),
        (date(2020, 2, 28), date(2024, 2, 29), 4),
        (date(2020, 3, 1), date(2024, 2, 29), 3),
        (date(2026, 11, 24), date(2026, 11, 23), None),
    ],
)
def test_age_in_whole_years(born: date, day: date, age: int | None) -> None:
    assert age_on(born, day) == age
    assert Pseudonymiser(KEY).age_on(born, day) == age


# What it shows.


def test_it_shows_nothing_of_its_key(vault: Pseudonymiser) -> None:
    shown = repr(vault) + str(vault)
    assert KEY.hex() not in shown
    assert repr(KEY) not in shown
    assert not hasattr(vault, "__dict__")


def test_it_is_neither_pickled_nor_copied(vault: Pseudonymiser) -> None:
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled") as caught:
            take(vault)
        assert KEY.hex() not in str(caught.value)


@pytest.mark.parametrize("length", [0, 31, 65])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InputError, match=f"{length} bytes"):
        Pseudonymiser(bytes(length))


@pytest.mark.parametrize("length", [32, 64])
def test_a_key_at_the_edge_is_allowed(length: int) -> None:
    assert Pseudonymiser(bytes(length)).of_nir(NIR)


# The key file.


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "pseudonym.key"
    first = Pseudonymiser.from_file(file).of_nir(NIR)
    assert len(file.read_bytes()) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Pseudonymiser.from_file(str(file)).of_nir(NIR) == first
    assert [path.name for path in file.parent.iterdir()] == ["pseudonym.key"]


def test_two_key_files_hold_two_keys(tmp_path: Path) -> None:
    one, other = (Pseudonymiser.from_file(tmp_path / name).of_nir(NIR) for name in "ab")
    assert one != other


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    file = tmp_path / "pseudonym.key"
    gate = tmp_path / "gate"
    program = (
        "import sys, pathlib\n"
        "from slotengine.vault import Pseudonymiser\n"
        "print('ready', flush=True)\n"
        "while not pathlib.Path(sys.argv[2]).exists(): pass\n"
        f"print(Pseudonymiser.from_file(sys.argv[1]).of_nir('{NIR}'))\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(file), str(gate)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    gate.touch()
    said = {process.communicate(timeout=60)[0].strip() for process in running}
    assert said == {Pseudonymiser.from_file(file).of_nir(NIR)}


def test_a_file_that_appears_meanwhile_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pseudonym.key"
    link = os.link

    def late(source: str, target: Path) -> None:
        target.write_bytes(KEY)
        target.chmod(0o600)
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    assert Pseudonymiser.from_file(file).of_nir(NIR) == Pseudonymiser(KEY).of_nir(NIR)
    assert [path.name for path in tmp_path.iterdir()] == ["pseudonym.key"]


def test_a_key_file_that_others_may_open_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "pseudonym.key"
    file.write_bytes(KEY)
    file.chmod(0o640)
    with pytest.raises(StoreError, match="chmod"):
        Pseudonymiser.from_file(file)


@pytest.mark.parametrize("length", [0, 31, 65])
def test_a_key_file_of_another_length_is_refused(tmp_path: Path, length: int) -> None:
    file = tmp_path / "pseudonym.key"
    file.write_bytes(bytes(length))
    file.chmod(0o600)
    with pytest.raises(StoreError, match=f"{length} bytes"):
        Pseudonymiser.from_file(file)


def test_a_folder_in_place_of_the_key_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't be made or read") as caught:
        Pseudonymiser.from_file(tmp_path)
    assert isinstance(caught.value.__cause__, OSError)
