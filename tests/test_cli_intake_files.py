"""Files taken in by the command line: what is stored, shown, kept back, and never said."""

import io
import json
import logging
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shell import EVENING, record
from typer.testing import CliRunner
from workbooks import saved

from slotengine import cli
from slotengine.cli_intake_rejects import ENGINE, Fault, stem_of
from slotengine.cli_options import exit_code
from slotengine.engine import Engine
from slotengine.errors import BookingError, InputError, SlotEngineError
from slotengine.labels import Lang
from slotengine.tokens import read_token

HOME = "pays-de-la-chatre"
HEADER = "reference,patient_id,age,insee,priority,profession,received_at\n"
GOOD = "A-1,p-1,71,36046,urgent,10,2026-11-24T19:00+01:00\n"
BAD = "A-2,p-2,300,36046,urgent,10,2026-11-24T19:10+01:00\n"
LATER = "A-3,p-3,30,36046,urgent,10,2026-11-24T19:20+01:00\n"


class Desk:
    """The program in this process, on one database and in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rejects = folder / "rejects"
        self.database = folder / "desk.sqlite"

    def run(self, *words: str, stdin: bytes | None = None, lang: str = "en") -> Any:
        more = ["--db", f"sqlite:///{self.database}", "--lang", lang, "--now", EVENING]
        done = CliRunner().invoke(cli.app, [*words, *more], input=stdin)
        if isinstance(done.exception, SlotEngineError):
            return exit_code(done.exception), done.stdout, f"slotengine: {done.exception}"
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout, done.stderr

    def intake(self, *words: str, source: str = "pharmacy", **more: Any) -> Any:
        key = ["--key-file", str(self.folder / "key"), "--territory", HOME]
        return self.run("intake", source, *words, *key, **more)

    def told(self, *words: str, **more: Any) -> tuple[int, Any]:
        code, out, _ = self.intake(*words, "--json", **more)
        return code, json.loads(out)

    def file(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def kept(self) -> list[str]:
        return sorted(path.name for path in self.rejects.iterdir())

    def stored(self) -> int:
        with sqlite3.connect(self.database) as database:
            (count,) = database.execute("SELECT count(*) FROM slotengine_referral").fetchone()
        database.close()
        return int(count)


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with a territory in it, copied for each test."""
    folder = tmp_path_factory.mktemp("desk")
    desk = Desk(folder)
    code, _, errors = desk.run("load", HOME)
    assert code == 0, errors
    with sqlite3.connect(desk.database) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return desk.database.read_bytes()


@pytest.fixture
def desk(tmp_path: Path, loaded_once: bytes) -> Desk:
    made = Desk(tmp_path)
    made.database.write_bytes(loaded_once)
    return made


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_several_files_and_standard_input_are_read_in_turn(desk: Desk) -> None:
    one = desk.file("one.csv", HEADER + GOOD)
    two = desk.file("two.json", json.dumps([record("B-1", received_at=EVENING)]))
    before = desk.stored()
    code, found = desk.told(one, "-", two, stdin=(HEADER + LATER + BAD).encode())
    assert code == 7
    assert [one["file"] for one in found["files"]] == ["one.csv", "stdin", "two.json"]
    assert [one["records"] for one in found["files"]] == [1, 2, 1]
    assert [(one["file"], one["record"]) for one in found["records"]] == [
        ("one.csv", 1), ("stdin", 1), ("two.json", 1),
    ]  # fmt: skip
    assert (found["received"], desk.stored() - before) == (3, 3)
    (bad,) = found["rejected"]
    assert (bad["file"], bad["record"], bad["line"], bad["field"]) == ("stdin", 2, 3, "age")
    _, words, _ = desk.intake(one, "-", two, stdin=(HEADER + LATER + BAD).encode(), lang="fr")
    assert "stdin: ligne 3 : age : valeur hors des limites" in words
    assert words.endswith(
        "Déjà connues : 3. Réservées : 0. Renvoyées au 15 : 0. Closes : 0. Rejetées : 1.\n"
    )


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(desk: Desk) -> None:
    broken = desk.file("broken.csv", "a;b\n1;2\n")
    good = desk.file("good.csv", HEADER + GOOD)
    code, out, errors = desk.intake(broken, good, "--rejects", str(desk.rejects))
    assert code == 3
    assert "broken.csv: header has no known column name" in errors
    assert "Unreadable files: 1." in out
    assert "Received: 1." in out
    (reason,) = lines(desk.rejects / "broken.reasons.jsonl")
    assert (reason["kind"], reason["record"], reason["rejected_record"]) == (
        "no_header",
        None,
        None,
    )
    assert desk.kept() == ["broken.reasons.jsonl"]
    code, found = desk.told(broken)
    assert (code, found["unreadable"], found["records"], found["rejected"]) == (3, 1, [], [])


def test_a_workbook_is_taken_in_like_a_table_of_text(desk: Desk) -> None:
    rows = [line.split(",") for line in (HEADER + GOOD + BAD).splitlines()]
    book = desk.file("book.xlsx", saved(rows))
    code, found = desk.told(book, "--rejects", str(desk.rejects))
    assert (code, found["received"]) == (7, 1)
    assert found["rejected"][0]["path"] == "C3"
    assert (desk.rejects / "book.rejected.csv").read_bytes().startswith(b"\xef\xbb\xbfreference;")
    assert desk.told(desk.file("same.csv", HEADER + GOOD))[1]["repeated"] == 1


def test_book_confirms_the_best_seat_and_offers_shows_some(desk: Desk) -> None:
    file = desk.file("one.csv", HEADER + GOOD)
    code, found = desk.told(file, "--offers")
    assert code == 0
    (line,) = found["records"]
    assert line["state"] == "received"
    offers = line["offers"]
    assert 1 <= len(offers) <= 3
    best = read_token(offers[0]["token"])
    # What weighs other patients' needs stays inside.
    assert not {"score", "value", "cost", "price"} & set(offers[0])
    _, words, _ = desk.intake(file, "--offers")
    assert f"  1. {offers[0]['sentence']}" in words
    code, found = desk.told(file, "--book")
    (line,) = found["records"]
    assert (code, line["state"], line["status"], line["slot"]) == (
        0, "booked", "confirmed", best.slot,
    )  # fmt: skip
    assert (found["repeated"], found["booked"]) == (1, 1)
    again = desk.told(file, "--book")[1]
    assert (again["repeated"], again["booked"]) == (1, 0)
    assert again["records"][0]["state"] == "booked"
    assert "offers" not in desk.told(file, "--offers")[1]["records"][0]
    code, _, said = desk.intake(file, "--book", "--offers")
    assert (code, said) == (3, "slotengine: --book and --offers exclude each other")


def test_a_red_flag_is_neither_booked_nor_offered_a_seat(desk: Desk) -> None:
    flag = record("F-1", motive_code="M03.06", motive_system="hubsante-motif", received_at=EVENING)
    file = desk.file("flag.json", json.dumps([flag]))
    code, found = desk.told(file, "--book")
    assert (code, found["received"], found["refused"], found["booked"]) == (0, 1, 1, 0)
    assert "15" in found["records"][0]["reasons"][0]


def test_a_change_that_came_first_waits_and_is_booked_as_changed(desk: Desk) -> None:
    change = record("C-1", status="amended", priority="routine", received_at=EVENING)
    code, found = desk.told(desk.file("a.json", json.dumps([change])))
    assert (code, found["kept"], found["records"][0]["outcome"]) == (0, 1, "kept")
    _, words, _ = desk.intake(desk.file("b.json", json.dumps([{**change, "reference": "C-2"}])))
    assert "kept, waits for an earlier message" in words
    assert "Kept for later: 1." in words
    first = desk.file("c.json", json.dumps([record("C-1", received_at=EVENING)]))
    code, found = desk.told(first, "--book")
    assert (code, found["booked"], found["records"][0]["status"]) == (0, 1, "confirmed")
    with Engine.open(f"sqlite:///{desk.database}") as engine:
        assert engine.referral(found["records"][0]["referral"]).priority == "routine"


def test_what_was_rejected_can_be_mended_and_nothing_is_there_twice(desk: Desk) -> None:
    unknown = "A-4,p-4,40,99999,urgent,10,2026-11-24T19:20+01:00\n"
    past = "A-5,p-5,40,36046,urgent,10,2025-11-24T19:20+01:00\n"
    file = desk.file("in/monday.csv", HEADER + GOOD + BAD + LATER + unknown + past)
    before = desk.stored()
    code, found = desk.told(file, "--rejects", str(desk.rejects))
    assert code == 7
    rejected, reasons = (
        desk.rejects / f"monday.{end}" for end in ("rejected.csv", "reasons.jsonl")
    )
    (told,) = found["files"]
    assert (told["rejects"], told["reasons"]) == (str(rejected), str(reasons))
    expected = (HEADER + BAD + unknown + past).replace("\n", "\r\n").encode()
    assert rejected.read_bytes() == expected
    assert stat.S_IMODE(rejected.stat().st_mode) == stat.S_IMODE(reasons.stat().st_mode) == 0o600
    assert stat.S_IMODE(desk.rejects.stat().st_mode) == 0o700
    kinds = [
        (one["record"], one["line"], one["kind"], one["rejected_record"]) for one in lines(reasons)
    ]
    assert kinds == [
        (2, 3, "out_of_range", 1), (4, 5, "unknown_code", 2), (5, None, "ReferralPastError", 3),
    ]  # fmt: skip
    assert lines(reasons)[2]["sentence_fr"] == "record : toutes les heures demandées sont passées"
    assert {one["adapter"] for one in lines(reasons)} == {"pharmacy/csv"}
    # Untouched: the same again, beside the first and not over it.
    code, found = desk.told(str(rejected), "--rejects", str(desk.rejects))
    assert (code, found["received"], found["repeated"]) == (7, 0, 0)
    assert (
        rejected.read_bytes() == expected == (desk.rejects / "monday.2.rejected.csv").read_bytes()
    )
    again = [one["kind"] for one in lines(desk.rejects / "monday.2.reasons.jsonl")]
    assert again == [kind for _, _, kind, _ in kinds]
    # Mended: taken in, once.
    mended = (
        expected.replace(b",300,", b",30,").replace(b"99999", b"36046").replace(b"2025", b"2026")
    )
    file = desk.file("monday.rejected.csv", mended)
    code, found = desk.told(file, "--rejects", str(desk.rejects))
    assert (code, found["received"], found["rejected"]) == (0, 3, [])
    assert desk.told(file)[1]["repeated"] == 3
    assert desk.stored() - before == 5
    assert len(desk.kept()) == 4


def test_files_of_one_name_keep_their_rejects_apart(desk: Desk) -> None:
    one, two = (desk.file(f"{folder}/x.csv", HEADER + BAD) for folder in "ab")
    json_file = desk.file("x.json", '[{"reference": "1"}]')
    assert desk.intake(one, two, json_file, "--rejects", str(desk.rejects))[0] == 7
    assert desk.kept() == [
        "x.2.reasons.jsonl", "x.2.rejected.csv", "x.3.reasons.jsonl", "x.3.rejected.jsonl",
        "x.reasons.jsonl", "x.rejected.csv",
    ]  # fmt: skip


def test_no_link_that_lies_there_is_followed(desk: Desk) -> None:
    desk.rejects.mkdir()
    aim = desk.folder / "aim"
    (desk.rejects / "x.reasons.jsonl").symlink_to(aim)
    (desk.rejects / "x.2.rejected.csv").symlink_to(aim)
    desk.intake(desk.file("x.csv", HEADER + BAD), "--rejects", str(desk.rejects))
    assert not aim.exists()
    assert (desk.rejects / "x.3.rejected.csv").exists()


def test_a_folder_that_cannot_be_is_refused_before_anything_is_read(desk: Desk) -> None:
    before = desk.stored()
    file = desk.file("x.csv", HEADER + GOOD)
    code, _, said = desk.intake(file, "--rejects", file)
    assert code == 3
    assert "--rejects" in said
    assert desk.stored() == before


def test_nothing_is_written_where_nothing_was_rejected(desk: Desk) -> None:
    desk.intake(desk.file("x.csv", HEADER + GOOD), "--rejects", str(desk.rejects))
    assert desk.kept() == []


def test_doubts_are_counted_by_field_and_kind(desk: Desk) -> None:
    # 36400 is the postcode of La Châtre, whose INSEE code is 36046.
    records = [
        record(f"D-{n}", insee="36400", city="La Châtre", received_at=EVENING) for n in (1, 2)
    ]
    file = desk.file("doubts.json", json.dumps(records))
    code, found = desk.told(file)
    assert (code, found["received"]) == (0, 2)
    (doubt,) = found["warnings"]
    assert (doubt["field"], doubt["kind"], doubt["count"]) == ("insee", "postcode_given", 2)
    _, words, _ = desk.intake(file)
    assert "doubt: 2 x insee is a postcode in place of an INSEE code\n" in words


def test_a_missing_file_is_wrong_usage(desk: Desk) -> None:
    assert desk.intake(str(desk.folder / "absent.csv"))[0] == 2


def test_every_refusal_of_the_engine_has_words_in_both_languages() -> None:
    def leaves(kind: type[SlotEngineError]) -> Iterator[str]:
        yield kind.__name__
        for below in kind.__subclasses__():
            yield from leaves(below)

    known = {name for kind in (InputError, BookingError) for name in leaves(kind)}
    assert set(ENGINE) <= known
    for name in [*known, "x"]:
        fault = Fault.of_engine("pharmacy/csv", 1, name, "")
        assert fault.sentence(Lang.FR).startswith("record : ")
        assert fault.sentence(Lang.EN).startswith("record ")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a/b.csv", "b"), ("b.rejected.csv", "b"), ("b.12.rejected.jsonl", "b"), ("-", "stdin"),
        ("b.tar.gz", "b.tar"), ("b", "b"), (".rejected.csv", "stdin"), ("b.2.csv", "b.2"),
    ],
)  # fmt: skip
def test_rejects_bear_the_name_of_what_first_came(name: str, stem: str) -> None:
    assert stem_of(Path(name)) == stem


# What nobody may read.

SECRETS = {
    "nom": "Zyxwinvente",
    "prenom": "Vwkprenom",
    "date_naissance": "17/06/1901",
    "nir": "201067512345681",
    "telephone": "0199001234",
    "courriel": "vwkprenom@exemple.invalid",
}
FIELDS_OF_A_RECORD = (
    "reference", "age", "sex", "lat", "lon", "insee", "postcode", "city", "mobility",
    "own_practitioner", "profession", "specialty", "priority", "care_level", "motive_code",
    "motive_system", "motive_label", "window_start", "window_end", "deadline", "modes", "group",
    "pathway", "max_travel_km", "requester_id", "received_at", "status", "patient_id", "other",
)  # fmt: skip
HOUSES, NAMES = ("requester_id", "own_practitioner"), (0, 1)
TRACES = (*SECRETS.values(), "1901-06-17", "19010617", "17061901", "2010675123456", "99001234")


def test_no_patient_is_in_reasons_output_logs_or_database(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    base = {"reference": "S", "received_at": EVENING, "insee": "36046", **SECRETS}
    records = [
        {**base, "reference": f"S-{at}-{kind}", field: secret}
        for at, field in enumerate(FIELDS_OF_A_RECORD)
        for kind, secret in enumerate(SECRETS.values())
        # A pharmacy may bear its patient's name: ids of houses are not compared with names.
        if not (field in HOUSES and kind in NAMES)
    ]
    as_json = desk.file("all.json", json.dumps(records))
    names = list(dict.fromkeys(name for one in records for name in one))
    rows = [names, *([one.get(name, "") for name in names] for one in records)]
    as_csv = desk.file("all.csv", "\n".join(";".join(line) for line in rows))
    as_book = desk.file("all.xlsx", saved(rows))
    broken = desk.file("broken.csv", ";".join(SECRETS.values()))
    written = ""
    for words in (["--json"], ["--book"]):
        files = (as_json, as_csv, as_book, broken)
        _, out, errors = desk.intake(*files, "--rejects", str(desk.rejects), *words)
        written += out + errors
    reasons = "".join(path.read_text() for path in desk.rejects.glob("*.reasons.jsonl"))
    assert reasons.count("\n") > len(records)
    with sqlite3.connect(desk.database) as database:
        written += "\n".join(database.iterdump())
    database.close()
    for trace in TRACES:
        assert trace not in written
        assert trace not in reasons
        assert trace not in caplog.text
    # What is to be mended holds them, and nothing else does.
    mendable = next(desk.rejects.glob("all.rejected.*"))
    assert SECRETS["nom"] in mendable.read_text()


def test_answers_wait_outside_of_memory(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from slotengine import cli_intake_tally

    monkeypatch.setattr(cli_intake_tally, "IN_MEMORY_BYTES", 100)
    records = [record(f"M-{n}", received_at=EVENING) for n in range(600)]
    code, found = desk.told(desk.file("many.json", json.dumps(records)))
    assert (code, found["received"], len(found["records"])) == (0, 600, 600)
    assert [one["record"] for one in found["records"]] == list(range(1, 601))
    assert io.StringIO(json.dumps(found)).read(1) == "{"
