"""Synthetic records of a pharmacy, as many as asked for, as a file that nobody holds in memory."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

NIR_MODULUS = 97
"""The key of a NIR is 97 less its number modulo 97 (INSEE)."""

PATIENTS = 0.9
"""Different patients a record: one of ten asks again. Our choice."""

HEADER = (
    "reference", "nir", "prenom", "nom", "date_naissance", "sexe", "lat", "lon", "insee",
    "priorite", "motif",
)  # fmt: skip


def _nir(patient: int) -> str:
    sex, year, month = 1 + patient % 2, patient // 2 % 100, 1 + patient % 12
    number = f"{sex}{year:02}{month:02}45{patient // 1000 % 1000:03}{patient % 1000:03}"
    return f"{number}{NIR_MODULUS - int(number) % NIR_MODULUS:02}"


def _record(at: int) -> tuple[str, ...]:
    patient = int(at * PATIENTS)
    return (
        f"intake-{at}",
        _nir(patient),
        "Prenom",
        "Nom",
        f"19{10 + patient % 80}-0{1 + patient % 9}-1{patient % 9}",
        "FM"[patient % 2],
        f"47.6{patient % 100:02}",
        f"2.6{patient % 97:02}",
        "45155",
        "urgent",
        "R05",
    )


def _csv(records: int) -> Iterator[str]:
    yield ";".join(HEADER)
    for at in range(records):
        yield ";".join(_record(at))


def _jsonl(records: int) -> Iterator[str]:
    for at in range(records):
        yield json.dumps(dict(zip(HEADER, _record(at), strict=True)))


WRITERS: dict[str, Callable[[int], Iterator[str]]] = {"csv": _csv, "jsonl": _jsonl}
"""How each case writes its lines."""


def written(folder: Path, case: str, records: int) -> Path:
    """Writes a file of so many records; gives its path."""
    path = folder / f"{records}.{case}"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in WRITERS[case](records))
    return path
