from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import pytest

from slotengine import labels
from slotengine.codes import Mode, Profession, ReferralState
from slotengine.labels import Lang, Words, kilometres, when, within, word

TABLES: list[tuple[type[StrEnum], dict[StrEnum, Words]]] = [
    (Mode, {**labels.MODE}),
    (Profession, {**labels.PROFESSION}),
    (ReferralState, {**labels.REFERRAL_STATE}),
]
PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(("codes", "table"), TABLES)
def test_every_code_has_french_and_english_words(
    codes: type[StrEnum], table: dict[StrEnum, Words]
) -> None:
    assert set(table) == set(codes)
    for words in table.values():
        assert all(text and text == text.strip() for text in words)


@pytest.mark.parametrize(("codes", "table"), TABLES)
def test_no_two_codes_read_alike(codes: type[StrEnum], table: dict[StrEnum, Words]) -> None:
    for language in range(2):
        assert len({words[language] for words in table.values()}) == len(codes)


def test_one_language_is_given() -> None:
    assert word(labels.MODE[Mode.AMB], Lang.FR) == "au cabinet"
    assert word(labels.MODE[Mode.AMB], Lang.EN) == "at the practice"


@pytest.mark.parametrize(
    ("hours", "french", "english"),
    [
        (4, "dans les 4 h", "within 4 h"),
        (12, "dans les 12 h", "within 12 h"),
        (1.5, "dans les 1,5 h", "within 1.5 h"),
        (12.5, "sous 12,5 h", "within 12.5 h"),
        (24, "sous 24 h", "within 24 h"),
        (48, "sous 48 h", "within 48 h"),
    ],
)
def test_a_deadline_is_said_as_at_the_counter(hours: float, french: str, english: str) -> None:
    assert (within(hours, Lang.FR), within(hours, Lang.EN)) == (french, english)


@pytest.mark.parametrize(
    ("at", "french", "english"),
    [
        ((2026, 11, 23, 13, 10), "lundi 23 novembre, 14 h 10", "Monday 23 November, 14:10"),
        ((2026, 12, 1, 7, 5), "mardi 1er décembre, 8 h 05", "Tuesday 1 December, 08:05"),
        ((2026, 8, 1, 22, 30), "dimanche 2 août, 0 h 30", "Sunday 2 August, 00:30"),
        # 02:30 comes twice on 25 October 2026: both instants are said alike.
        ((2026, 10, 25, 0, 30), "dimanche 25 octobre, 2 h 30", "Sunday 25 October, 02:30"),
        ((2026, 10, 25, 1, 30), "dimanche 25 octobre, 2 h 30", "Sunday 25 October, 02:30"),
        ((2027, 3, 28, 0, 59), "dimanche 28 mars, 1 h 59", "Sunday 28 March, 01:59"),
        ((2027, 3, 28, 1, 0), "dimanche 28 mars, 3 h 00", "Sunday 28 March, 03:00"),
    ],
)
def test_an_instant_is_said_in_the_territorys_own_time(
    at: tuple[int, int, int, int, int], french: str, english: str
) -> None:
    instant = datetime(*at, tzinfo=UTC)
    assert when(instant, PARIS, Lang.FR) == french
    assert when(instant, PARIS, Lang.EN) == english


def test_overseas_has_its_own_day() -> None:
    late = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
    assert when(late, ZoneInfo("Indian/Reunion"), Lang.FR) == "mardi 24 novembre, 1 h 00"
    assert when(late, ZoneInfo("America/Martinique"), Lang.FR) == "lundi 23 novembre, 17 h 00"


def test_every_day_and_month_has_its_name() -> None:
    week = [datetime(2026, 6, day, tzinfo=UTC) for day in range(1, 8)]
    year = [datetime(2026, month, 3, tzinfo=UTC) for month in range(1, 13)]
    days = {when(at, PARIS, Lang.FR).split()[0] for at in week}
    months = {when(at, PARIS, Lang.FR).split()[2] for at in year}
    assert days == {"lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"}
    assert len(months) == 12


@pytest.mark.parametrize(
    ("metres", "french", "english"),
    [(0, "0,0 km", "0.0 km"), (12_820, "12,8 km", "12.8 km"), (49, "0,0 km", "0.0 km")],
)
def test_a_distance_is_said_in_kilometres(metres: int, french: str, english: str) -> None:
    assert (kilometres(metres, Lang.FR), kilometres(metres, Lang.EN)) == (french, english)
