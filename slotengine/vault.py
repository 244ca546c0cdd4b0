"""
Patient identity: turned into a pseudonym at the door, then forgotten.

Only a keyed hash leaves this file. The same person gets the same pseudonym wherever the same NIR
(or INS) is given; without the key nobody can go back, not even by trying every NIR.
"""

import hashlib
import os
import re
import secrets
import stat
import tempfile
import unicodedata
from datetime import date
from pathlib import Path
from typing import NoReturn, Self

from slotengine.errors import InputError, StoreError

KEY_BYTES = 32
"""Length of a key that we make: 256 bits."""

MAX_KEY_BYTES = 64
"""BLAKE2b takes no longer key (RFC 7693)."""

DIGEST_BYTES = 16
"""128 bits, 32 hexadecimal characters: two of 67 million people collide with chance 1e-23."""

NIR_MODULUS = 97
"""The key of a NIR is 97 - (number mod 97)."""

CORSICA = {"2A": "19", "2B": "18"}
"""How the two départements of Corsica are read as digits when the key is computed."""

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""Permissions that a key file must not give to anyone but its owner."""

_NIR = re.compile(r"([1-8][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{6})([0-9]{2})")
_NIR_SEPARATORS = re.compile(r"[\s.\-]+")
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O"})


def nir_number(text: str) -> str | None:
    """
    Gives the 13 characters of a NIR whose key is right, or None.

    Fifteen characters are asked for: without its key a mistyped NIR would quietly be somebody else.

    Examples
    --------
    >>> nir_number("2 79 03 51 215 189 89"), nir_number("279035121518988")
    ('2790351215189', None)
    """
    found = _NIR.fullmatch(_NIR_SEPARATORS.sub("", text).upper())
    if found is None:
        return None
    number, key = found.groups()
    department = number[5:7]
    digits = number[:5] + CORSICA.get(department, department) + number[7:]
    return number if NIR_MODULUS - int(digits) % NIR_MODULUS == int(key) else None


def age_on(birth_date: date, day: date) -> int | None:
    """
    Gives the whole years lived on a day, or None before birth.

    Who was born on 29 February is a year older on 1 March of a common year.

    Examples
    --------
    >>> age_on(date(2020, 2, 29), date(2021, 2, 28)), age_on(date(2020, 2, 29), date(2021, 3, 1))
    (0, 1)
    """
    if day < birth_date:
        return None
    before_birthday = (day.month, day.day) < (birth_date.month, birth_date.day)
    return day.year - birth_date.year - before_birthday


def plain_name(text: str) -> str:
    """
    Gives a name without accents, case, spaces, hyphens and apostrophes.

    Examples
    --------
    >>> plain_name("Le Cœur-d'Été") == plain_name("LE COEUR D'ETE")
    True
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    return "".join(sign for sign in decomposed.casefold() if sign.isalpha())


class Pseudonymiser:
    """
    Turns identity material into the 32 hexadecimal characters of ``Patient.key``.

    Keeps the key and nothing else: it shows none of it and refuses to be pickled or copied. Each
    kind of material has a hash space of its own, so that a local id never meets a name.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if not KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
            raise InputError(
                f"a pseudonym key of {len(key)} bytes was given; {KEY_BYTES} to {MAX_KEY_BYTES} "
                "are allowed"
            )
        self._key = bytes(key)

    def __repr__(self) -> str:
        return "Pseudonymiser(key hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Pseudonymiser holds a key and is not pickled; open its key file again")

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """
        Opens the key file, and makes it with a random key when there is none.

        Processes that start together agree on one key: the file appears complete or not at all,
        and the first one to put it there wins.

        Raises
        ------
        StoreError
            When the file can't be made or read, holds no key of 32 to 64 bytes, or others than its
            owner may open it.
        """
        file = Path(path)
        try:
            if not file.exists():
                _put_new_key(file)
            key = file.read_bytes()
            mode = file.stat().st_mode
        except OSError as exc:
            raise StoreError(f"the pseudonym key file {file} can't be made or read") from exc
        # Windows has no such bits: its files always look open to all.
        if os.name == "posix" and mode & OTHERS:
            raise StoreError(f"others may open the pseudonym key file {file}; chmod it to 600")
        if not KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
            raise StoreError(f"the pseudonym key file {file} holds {len(key)} bytes, not a key")
        return cls(key)

    def of_nir(self, nir: str) -> str | None:
        """Gives the pseudonym of a NIR or INS, or None when its key is wrong."""
        number = nir_number(nir)
        return None if number is None else self._digest(b"nir", number)

    def of_name(self, family: str, given: str, birth_date: date) -> str | None:
        """Gives the pseudonym of a name and birth date, or None when a name has no letter."""
        parts = plain_name(family), plain_name(given)
        if not all(parts):
            return None
        return self._digest(b"name", *parts, birth_date.isoformat())

    def of_local_id(self, scope: tuple[str, ...], local_id: str) -> str:
        """
        Gives the pseudonym of a number that means something only to whoever gave it.

        ``scope`` says who that is: patient 42 of one pharmacy is not patient 42 of another.
        """
        return self._digest(b"local", *scope, local_id)

    def age_on(self, birth_date: date, day: date) -> int | None:
        """Gives the whole years lived on a day, or None before birth."""
        return age_on(birth_date, day)

    def _digest(self, kind: bytes, *parts: str) -> str:
        state = hashlib.blake2b(digest_size=DIGEST_BYTES, key=self._key, person=kind)
        for part in parts:
            data = part.encode()
            # Each part with its length, or ("ab", "c") and ("a", "bc") would be one person.
            state.update(len(data).to_bytes(8, "big") + data)
        return state.hexdigest()


def _put_new_key(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".key-", dir=file.parent)  # mode 0600 from its birth
    try:
        with os.fdopen(handle, "wb") as draft:
            draft.write(secrets.token_bytes(KEY_BYTES))
            draft.flush()
            os.fsync(draft.fileno())
        # A hard link appears whole or fails when another process was first; a rename would
        # replace the other's key after it had been used.
        os.link(name, file)
    except FileExistsError:
        return
    finally:
        Path(name).unlink()
