"""A forecast is a value that adds up, looks as far as it says, and has a digest of all of it."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW
from pydantic import ValidationError

from slotengine.codes import Priority, Profession, SourceKind
from slotengine.forecast import Arrival, Forecast, Kind


def kind(share: float, **changes: Any) -> Kind:
    fields: dict[str, Any] = {
        "source": SourceKind.NURSE,
        "priority": Priority.ASAP,
        "professions": (Profession.PHYSICIAN,),
        "insee": None,
        "share": share,
    }
    return Kind(**{**fields, **changes})


def forecast(**changes: Any) -> Forecast:
    fields: dict[str, Any] = {
        "territory": "giennois",
        "as_of": NOW,
        "hourly": (1.5, 0.0, 2.5),
        "kinds": (kind(0.25), kind(0.75, priority=Priority.STAT)),
        "cancel_chance": 0.04,
        "miss_chance": 0.04,
    }
    return Forecast(**{**fields, **changes})


def test_it_looks_as_far_as_it_has_hours_and_expects_their_sum() -> None:
    assert forecast().horizon == timedelta(hours=3)
    assert forecast().expected == 4.0


def test_nothing_expected_needs_no_kinds() -> None:
    assert forecast(hourly=(0.0,), kinds=()).expected == 0
    assert forecast(hourly=(), kinds=()).horizon == timedelta(0)


def test_somebody_expected_is_of_some_kind() -> None:
    with pytest.raises(ValidationError, match="of no kind"):
        forecast(kinds=())


@pytest.mark.parametrize("share", [0.749998, 0.750002, 0.0])
def test_shares_that_do_not_add_up_to_one_are_refused(share: float) -> None:
    with pytest.raises(ValidationError, match="add up"):
        forecast(kinds=(kind(0.25), kind(share)))


@pytest.mark.parametrize("share", [0.7500009, 0.7499991])
def test_shares_may_miss_one_by_rounding(share: float) -> None:
    assert len(forecast(kinds=(kind(0.25), kind(share))).kinds) == 2


@pytest.mark.parametrize("rate", [-0.1, float("nan"), float("inf")])
def test_a_rate_is_a_number_from_zero_on(rate: float) -> None:
    with pytest.raises(ValidationError):
        forecast(hourly=(rate,))


def test_who_comes_asks_for_some_profession() -> None:
    with pytest.raises(ValidationError):
        kind(1.0, professions=())
    with pytest.raises(ValidationError):
        Arrival(
            at=NOW,
            source=SourceKind.NURSE,
            priority=Priority.ASAP,
            professions=(),
            insee=None,
        )


def test_the_digest_changes_with_every_figure_and_only_then() -> None:
    changed = [
        forecast(hourly=(1.5, 0.0, 2.6)),
        forecast(as_of=NOW + timedelta(hours=1)),
        forecast(cancel_chance=0.05),
        forecast(miss_chance=0.05),
        forecast(days_seen=1),
        forecast(kinds=(kind(0.25), kind(0.75))),
    ]
    digests = {one.digest for one in (forecast(), forecast(), *changed)}
    assert len(digests) == 1 + len(changed)


def test_it_survives_json() -> None:
    one = forecast()
    assert Forecast.model_validate_json(one.model_dump_json()) == one
