"""
Nothing that tells a patient apart leaves the door: not in a value, an error, a log, a pickle.

The identity below is invented; its NIR begins like one of a person born in 1901.
"""

import io
import json
import logging
import pickle
import traceback
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import NOW

from slotengine.adapters import Amend, Intake, New, Rejected, adapter_for
from slotengine.codes import SourceKind
from slotengine.errors import ReferralFormatError
from slotengine.vault import Pseudonymiser

KEY = bytes(range(100, 132))
VAULT = Pseudonymiser(KEY)

FAMILY, BIRTH_NAME, GIVEN = "Zyxwinvente", "Qwxavantnoces", "Vwkprenom"
NIR = "201067512345681"
"""Key: 2010675123456 = 97 * 20728609520 + 16, and 97 - 16 = 81."""

IDENTITY = {
    "nom": FAMILY,
    "nom_naissance": BIRTH_NAME,
    "prenom": GIVEN,
    "date_naissance": "17/06/1901",
    "nir": NIR,
    "telephone": "01 99 00 12 34",
    "email": "vwkprenom@exemple.invalid",
    "adresse": "99 impasse Nulleparts",
    "patient_id": "ippsecret77",
}
UNKNOWN = {
    "portable_conjoint": "+33199005678",
    "nom_marital_bis": "Jkqautrenom",
    "observations": "vit chez Jkqautrenom, impasse Nulleparts, née le 17 juin 1901",
}
SECRETS = (
    FAMILY, BIRTH_NAME, GIVEN, NIR, NIR[:13], "17/06/1901", "1901-06-17", "19010617",
    "17061901", "1901, 6, 17", "17 juin",
    "99001234", "99 00 12 34", "exemple.invalid", "Nulleparts", "ippsecret77",
    "99005678", "Jkqautrenom",
)  # fmt: skip

CARE = {
    "reference": "SEJOUR-5",
    "age": 125,
    "sexe": "F",
    "lat": "47.68",
    "lon": "2.63",
    "priorite": "sous 24 h",
    "requester_id": "450000001",
}

LEAKS: dict[str, dict[str, Any]] = {
    "as it should be": {},
    "name in the reference": {"reference": f"dossier {FAMILY}"},
    "first name in the reference": {"reference": f"{GIVEN.upper()}-5"},
    "nir in the reference": {"reference": NIR},
    "birth date in the reference": {"reference": "S-19010617"},
    "phone in the reference": {"reference": "0199001234"},
    "address in the reference": {"reference": "vwkprenom@exemple.invalid"},
    "name in the label": {"motive_code": "M1", "motif": f"toux de {FAMILY.lower()}"},
    "phone in the label": {"motive_code": "M1", "motif": "rappeler 01.99.00.12.34"},
    "nir in the label": {"motive_code": "M1", "motif": f"INS {NIR}"},
    "birth date in the label": {"motive_code": "M1", "motif": "née le 17 juin 1901"},
    "mail in the label": {"motive_code": "M1", "motif": "écrire à vwkprenom@exemple.invalid"},
    "name in the motive code": {"motive_code": FAMILY},
    "name in the motive system": {"motive_code": "M1", "motive_system": BIRTH_NAME},
    "nir for a requester": {"requester_id": NIR},
    "phone for a requester": {"requester_id": "0199001234"},
    "name for a doctor": {"medecin_traitant": f"Dr {FAMILY}"},
    "nir for a doctor": {"medecin_traitant": NIR},
    "name for a priority": {"priorite": FAMILY},
    "name for a profession": {"profession": f"10|{GIVEN}"},
    "name for a specialty": {"specialite": FAMILY},
    "name for a mode": {"mode": FAMILY},
    "name for a mobility": {"mobilite": FAMILY},
    "name for a sex": {"sexe": FAMILY},
    "name for a status": {"statut": FAMILY},
    "name for an age": {"age": FAMILY, "date_naissance": None},
    "name for a latitude": {"lat": FAMILY},
    "birth date for a deadline": {"deadline": "17/06/1901"},
    "name for a window": {"window_start": FAMILY, "window_end": GIVEN},
    "name for a commune": {"insee": FAMILY},
    "name for a radius": {"km_max": FAMILY},
    "name for a care level": {"niveau_soin": FAMILY},
    "impossible birth date": {"date_naissance": "17/06/1901 " + GIVEN},
    "wrong nir": {"nir": NIR[:-1] + "2"},
    "nul byte in the name": {"nom": FAMILY + "\0"},
    "endless name": {"nom": FAMILY * 200},
    "endless reference": {"reference": FAMILY * 50},
    "objects for texts": {"nom": {"text": FAMILY}, "prenom": [GIVEN], "nir": [NIR]},
    "cancelled": {"statut": "annulé"},
    "amended": {"statut": "modifié"},
    "absent": {"statut": "absent"},
    "age left out": {"age": None},
}


def payloads(changes: dict[str, Any]) -> Iterator[bytes]:
    """Gives a record as every form that can carry it, whole and broken."""
    record = {**IDENTITY, **UNKNOWN, **CARE, **changes}
    yield json.dumps([record]).encode()
    yield (json.dumps(record, ensure_ascii=False) + "\n").encode()
    yield json.dumps(record, indent=2).encode()
    yield json.dumps({"patient": record, **record}).encode()
    yield json.dumps([record]).encode()[:-40]
    yield (json.dumps(record)[:-40] + "\n" + json.dumps(record)).encode()
    texts = {name: "" if value is None else str(value) for name, value in record.items()}
    for separator in ";,\t":
        head, line = separator.join(texts), separator.join(f'"{text}"' for text in texts.values())
        yield f"{head}\n{line}\n".encode()
        yield f"{head}\n{line}\n".encode("cp1252", errors="replace")
        yield f"{line}\n{line}\n".encode()
        yield f'{head}\n"{line}\n{line}{separator}x\n'.encode()
        yield f"{head}{separator}{FAMILY}{separator}nom\n{line}\n".encode()


def everything_seen(
    payload: bytes, source: str, caplog: pytest.LogCaptureFixture
) -> tuple[str, list[Intake]]:
    """Reads a payload and gives all that anybody could see of it, as one text."""
    seen = io.StringIO()
    found: list[Intake] = []
    adapter = adapter_for(
        source, territory="giennois", zone=ZoneInfo("Europe/Paris"), pseudonymiser=VAULT
    )
    print(repr(adapter), str(adapter), file=seen)
    try:
        for one in adapter.read(payload, now=NOW):
            found.append(one)
            print(repr(one), str(one), one.model_dump_json(), pickle.dumps(one), file=seen)
            if isinstance(one, New | Amend):
                print(one.referral.model_dump(), one.referral.content_digest(), file=seen)
    except ReferralFormatError as error:
        print(repr(error.__context__), repr(error.__cause__), vars(error), file=seen)
        print(repr(error), str(error), error.args, pickle.dumps(error), file=seen)
        print("".join(traceback.format_exception(error)), file=seen)
    for entry in caplog.records:
        print(entry.getMessage(), vars(entry), file=seen)
    return seen.getvalue(), found


@pytest.mark.parametrize("source", [SourceKind.PHARMACY, SourceKind.EMERGENCY])
@pytest.mark.parametrize("leak", LEAKS)
def test_nothing_identifying_is_seen(
    leak: str, source: SourceKind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for payload in payloads(LEAKS[leak]):
        seen, _ = everything_seen(payload, source.value, caplog)
        folded = seen.casefold()
        assert [secret for secret in SECRETS if secret.casefold() in folded] == []
        assert KEY.hex() not in seen
        assert repr(KEY) not in seen


def test_only_the_pseudonym_and_the_age_remain(caplog: pytest.LogCaptureFixture) -> None:
    payload = json.dumps([{**IDENTITY, **UNKNOWN, **CARE}]).encode()
    _, (one,) = everything_seen(payload, "hospital", caplog)
    assert isinstance(one, New)
    kept = json.loads(one.referral.patient.model_dump_json())
    assert kept == {
        "key": VAULT.of_nir(NIR),
        "age": 125,
        "sex": "female",
        "location": {"lat": 47.68, "lon": 2.63, "insee": "45155", "zone": None},
        "own_practitioner": None,
        "mobility": "car",
    }
    care = json.loads(one.referral.model_dump_json(exclude={"patient"}))
    given = {name: value for name, value in care.items() if value not in (None, [], "")}
    assert given == {
        "id": one.referral.id,
        "territory": "giennois",
        "source": "hospital",
        "reference": "SEJOUR-5",
        "requester": {"kind": "hospital", "id": "450000001"},
        "professions": ["10"],
        "priority": "urgent",
        "modes": ["AMB"],
        "step": 0,
        "received_at": "2026-11-23T08:00:00Z",
        "state": "received",
    }


@pytest.mark.parametrize(
    "leak",
    [
        "as it should be", "name in the label", "phone in the label", "nir in the label",
        "birth date in the label", "mail in the label", "amended", "age left out",
    ],
)  # fmt: skip
def test_a_referral_is_worth_more_than_its_label(
    leak: str, caplog: pytest.LogCaptureFixture
) -> None:
    payload = json.dumps([{**IDENTITY, **UNKNOWN, **CARE, **LEAKS[leak]}]).encode()
    _, (one,) = everything_seen(payload, "pharmacy", caplog)
    assert isinstance(one, New | Amend)
    assert one.referral.patient.key == VAULT.of_nir(NIR)
    assert one.referral.motive is None or one.referral.motive.label == ""


def test_a_table_without_a_header_shows_none_of_its_first_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    payload = f"{FAMILY};{GIVEN};age;17/06/1901\nreference;x;3;y\n".encode()
    seen, found = everything_seen(payload, "pharmacy", caplog)
    assert [(one.field, one.kind) for one in found if isinstance(one, Rejected)] == [
        ("reference", "missing")
    ]
    assert FAMILY not in seen


def test_the_leaks_of_this_file_would_be_seen() -> None:
    """Every secret is in some payload: looking for what isn't there proves nothing."""
    sent = b"".join(payloads({"note": "1901-06-17 19010617 17061901 1901, 6, 17 99001234"}))
    text = sent.decode("utf-8", errors="replace")
    assert [secret for secret in SECRETS if secret not in text] == []


def test_an_error_of_a_noun_names_the_field_and_never_what_was_given() -> None:
    from pydantic import ValidationError

    from slotengine.domain import Patient

    with pytest.raises(ValidationError) as refused:
        Patient(key="Jeanne Inventée", age="née le 1er mars")  # type: ignore[arg-type] # wrong on purpose
    for observed in (str(refused.value), repr(refused.value)):
        assert "age" in observed
        assert "Jeanne" not in observed
        assert "mars" not in observed
