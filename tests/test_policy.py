import pickle
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from builders import policy
from pydantic import ValidationError

from slotengine.codes import Audience, Mobility, Priority, SourceKind
from slotengine.errors import PolicyError
from slotengine.policy import MINUTES_PER_DAY, Counting, Deadlines, Policy, SeatValues, Speeds


def refusal(toml: str) -> str:
    with pytest.raises(PolicyError) as caught:
        Policy.from_toml(toml)
    return str(caught.value)


def test_a_territory_alone_is_a_policy() -> None:
    read = Policy.from_toml('territory = "giennois"')
    assert read == policy()
    assert read.counting is Counting.ELAPSED
    assert read.zone == ZoneInfo("Europe/Paris")


def test_a_policy_is_read_field_by_field() -> None:
    read = Policy.from_toml("""
        territory = "giennois"
        version = 3
        counting = "opening"
        holiday_subdivision = "57"
        max_travel_metres = 20000
        notice = "PT30M"
        refused_care_levels = ["R1"]

        [deadlines]
        stat = "PT2H"

        [[opening]]
        weekday = 0
        start = 09:00:00
        end = 17:30:00

        [audiences]
        social = ["PUBLIC"]

        [speeds]
        car = 60
    """)
    assert read.version == 3
    assert read.counting is Counting.OPENING
    assert read.notice == timedelta(minutes=30)
    assert read.deadlines.of(Priority.STAT) == timedelta(hours=2)
    assert read.deadlines.of(Priority.ROUTINE) == timedelta(hours=48)
    assert len(read.opening) == 1
    assert read.speeds.of(Mobility.CAR) == 60


def test_sources_that_a_file_does_not_name_keep_their_audiences() -> None:
    read = Policy.from_toml('territory = "giennois"\n[audiences]\nsocial = ["PUBLIC"]')
    assert read.audiences[SourceKind.SOCIAL] == (Audience.PUBLIC,)
    assert set(read.audiences) == set(SourceKind)
    assert Audience.SNP in read.audiences[SourceKind.SAMU]
    assert Audience.SNP not in read.audiences[SourceKind.PHARMACY]
    assert Audience.PRO not in policy().audiences[SourceKind.SOCIAL]


def test_text_that_is_no_toml_is_one_sentence() -> None:
    assert refusal("territory = ").startswith("policy is not TOML: ")


@pytest.mark.parametrize(
    ("toml", "field"),
    [
        ("", "territory"),
        ('territory = "Le Giennois"', "territory"),
        ('territory = "g"\nversion = 0', "version"),
        ('territory = "g"\ntimezone = "Europe/Gien"', "timezone"),
        ('territory = "g"\ntimezone = "../etc/passwd"', "timezone"),
        ('territory = "g"\ncounting = "guess"', "counting"),
        ('territory = "g"\nnotice = "-PT1M"', "notice"),
        ('territory = "g"\nhold_for = "PT0S"', "hold_for"),
        ('territory = "g"\nhidden_below = 0', "hidden_below"),
        ('territory = "g"\nmax_travel_metres = -1', "max_travel_metres"),
        ('territory = "g"\n[deadlines]\nstat = "soon"', "deadlines.stat"),
        ('territory = "g"\n[speeds]\nwalk = 0', "speeds.walk"),
        ('territory = "g"\n[detour]\nscale_metres = 0', "detour.scale_metres"),
        ('territory = "g"\n[waiting]\nstat = -1', "waiting.stat"),
        ('territory = "g"\n[out_of_hours]\nphone = "call us"', "out_of_hours.phone"),
        ('territory = "g"\n[audiences]\nbakery = ["PUBLIC"]', "audiences.bakery"),
        ('territory = "g"\n[audiences]\nsocial = []', "audiences.social"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(toml: str, field: str) -> None:
    assert refusal(toml).startswith(f"policy field {field}")


@pytest.mark.parametrize(
    ("toml", "field"),
    [
        ('territory = "g"\nmax_travel_miles = 3', "max_travel_miles"),
        ('territory = "g"\n[deadlines]\nsoon = "PT1H"', "deadlines.soon"),
    ],
)
def test_an_unknown_key_is_named_and_not_overlooked(toml: str, field: str) -> None:
    assert refusal(toml) == f"policy field {field}: Extra inputs are not permitted"


@pytest.mark.parametrize(
    ("toml", "field", "why"),
    [
        (
            'territory = "g"\n[deadlines]\nstat = "PT13H"',
            "deadlines",
            "deadlines must not shrink from stat to routine",
        ),
        (
            'territory = "g"\n[[opening]]\nweekday = 0\nstart = 10:00:00\nend = 10:00:00',
            "opening.0",
            "opening hours must end after they start",
        ),
    ],
)
def test_a_contradiction_is_named(toml: str, field: str, why: str) -> None:
    message = refusal(toml)
    assert message.startswith(f"policy field {field}: ")
    assert why in message


def test_equal_deadlines_do_not_contradict() -> None:
    day = timedelta(hours=24)
    assert Deadlines(stat=day, asap=day, urgent=day, routine=day).of(Priority.STAT) == day


def test_a_refusal_never_repeats_the_value() -> None:
    """A file opened by mistake may hold anything."""
    assert "Dupont" not in refusal('territory = "Mme Dupont"')


def test_a_homebound_patient_has_no_speed() -> None:
    assert Speeds().of(Mobility.HOMEBOUND) is None
    assert Speeds().of(Mobility.WALK) == 4


def test_default_values_are_above_the_largest_waiting_cost_of_their_class() -> None:
    """At the deadline, waiting costs w * (d + (d / 2)^2 / (d / 2)) = 1.5 * w * d."""
    rules = policy()
    for priority in Priority:
        minutes = rules.deadlines.of(priority) // timedelta(minutes=1)
        worst = rules.waiting.of(priority) * minutes * 3 // 2
        assert SeatValues().of(priority) > worst


def test_the_digest_tells_policies_apart_and_is_stable() -> None:
    assert policy().digest == policy().digest
    assert policy(version=2).digest != policy().digest
    assert policy(notice=timedelta(minutes=11)).digest != policy().digest


def test_a_policy_is_frozen_pickles_and_survives_json() -> None:
    rules = policy(deadlines=Deadlines(stat=timedelta(hours=3)))
    with pytest.raises(ValidationError):
        rules.version = 2  # type: ignore[misc]  # the point of the test
    assert pickle.loads(pickle.dumps(rules)) == rules  # noqa: S301 - our own bytes
    again = Policy.model_validate_json(rules.model_dump_json())
    assert again == rules
    assert again.digest == rules.digest


def test_a_replaced_policy_is_checked_again() -> None:
    with pytest.raises(ValidationError):
        policy().replaced(comfort_minutes=MINUTES_PER_DAY + 1)
    assert policy().replaced(comfort_minutes=MINUTES_PER_DAY).comfort_minutes == 1440
