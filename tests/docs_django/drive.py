"""
Drives the documented Django files on one database and prints what is in it afterwards, as JSON.

Runs in a process of its own: Django has one configuration a process, and registers converters for
all of sqlite3. Counts are read by a connection of its own, so they say what was committed.
"""

import json
import sys
from contextlib import suppress
from datetime import datetime, tzinfo

import django
from django.conf import settings
from sqlalchemy import create_engine, make_url, text

URL = sys.argv[1]
READ = make_url(URL)


def database() -> dict[str, object]:
    if READ.get_backend_name() == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": READ.database,
            "OPTIONS": {"transaction_mode": "IMMEDIATE"},
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": READ.database,
        "USER": READ.username or "",
        "PASSWORD": READ.password or "",
        "HOST": READ.host or READ.query.get("host", ""),
        "PORT": READ.port or "",
    }


settings.configure(
    DATABASES={"default": database()},
    INSTALLED_APPS=["clinic"],
    SLOTENGINE_URL=URL,
    TIME_ZONE="Europe/Paris",
    USE_TZ=True,
)
django.setup()

# These need the settings above.
from clinic import views  # noqa: E402 - as said
from clinic.models import Visit  # noqa: E402 - as said
from clinic.on_django import in_atomic  # noqa: E402 - as said
from clinic.views import engine, place_referral  # noqa: E402 - as said
from django.db import connection, transaction  # noqa: E402 - as said
from django.test import RequestFactory  # noqa: E402 - as said

from slotengine import Referral, SlotTakenError  # noqa: E402 - as said
from slotengine.fixtures import territory  # noqa: E402 - as said
from slotengine.fixtures.generate import DEFAULT_AS_OF  # noqa: E402 - as said

NOW = DEFAULT_AS_OF
"""Tuesday 24 November 2026, 19 h 30 in Paris, for the view's clock too."""

outside = create_engine(URL)


class StoppedClock(datetime):
    """What the view takes for the clock: its answers depend on the hour."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return NOW.astimezone(tz)


views.datetime = StoppedClock


class HostError(Exception):
    """The host's own code fails."""


def committed() -> dict[str, int]:
    """Counts rows from outside."""
    with outside.connect() as own:
        return {
            "visits": own.scalar(text("SELECT count(*) FROM clinic_visit")),
            "bookings": own.scalar(text("SELECT count(*) FROM slotengine_booking")),
            "referrals": own.scalar(text("SELECT count(*) FROM slotengine_referral")),
        }


def seatable() -> list[Referral]:
    """Publishes a territory and gives referrals that find a seat, found by trying and undoing."""
    place = territory("pays-de-la-chatre", as_of=NOW)
    engine.set_policy(place.policy, now=NOW)
    engine.publish(
        place.name,
        practitioners=place.practitioners,
        sites=place.sites,
        slots=place.slots,
        now=NOW,
    )
    found = []
    for referral in place.referrals:
        with suppress(HostError), transaction.atomic(), in_atomic(engine) as bound:
            if bound.place(referral, now=NOW).booking is not None:
                found.append(referral)
            raise HostError
    return found


def post(referral: Referral) -> dict[str, object]:
    request = RequestFactory().post(
        "/referrals", data=referral.model_dump_json(), content_type="application/json"
    )
    answer: dict[str, object] = json.loads(place_referral(request).content)
    return answer


def fails_after_placing(referral: Referral) -> None:
    with suppress(HostError), transaction.atomic(), in_atomic(engine) as bound:
        bound.place(referral, now=NOW)
        Visit.objects.create(referral=referral.id, state="held")
        raise HostError


def inner_block_fails(referral: Referral) -> None:
    """The host's outer block goes on and commits; the inner one took the booking with it."""
    with transaction.atomic():
        Visit.objects.create(referral=referral.id, state="outer")
        with suppress(HostError), transaction.atomic(), in_atomic(engine) as bound:
            bound.place(referral, now=NOW)
            raise HostError


def loses_a_race(loser: Referral, winner: Referral) -> str:
    """Asks for a seat that somebody else holds by then; the block stays usable."""
    engine.refer(loser, now=NOW)
    engine.refer(winner, now=NOW)
    theirs = {offer.slot: offer for offer in engine.offers(winner.id, now=NOW, limit=20)}
    mine = next(one for one in engine.offers(loser.id, now=NOW, limit=20) if one.slot in theirs)
    engine.hold(theirs[mine.slot], now=NOW)
    with transaction.atomic(), in_atomic(engine) as bound:
        try:
            bound.hold(mine, now=NOW)
        except SlotTakenError as lost:
            Visit.objects.create(referral=loser.id, state="lost", at=NOW)
            return lost.why
    return "no race was lost"


def same_instant(referral: Referral) -> bool:
    """Compares how long a seat is held, written inside Django's block and read on both sides."""
    with transaction.atomic(), in_atomic(engine) as bound:
        placed = bound.place(referral, now=NOW).booking
        if placed is None or placed.held_until is None:
            return False
        inside = bound.booking(placed.id)
    return placed == inside == engine.booking(placed.id)


def outside_a_block() -> str:
    try:
        with in_atomic(engine):
            return "was allowed"
    except RuntimeError as refused:
        return str(refused)


def main() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Visit)
    one, two, three, four, five, six, *_ = seatable()
    report: dict[str, object] = {"tried_and_undone": committed()}
    fails_after_placing(one)
    report["host_failed"] = committed()
    inner_block_fails(two)
    report["inner_failed"] = committed()
    report["state"] = post(three)["state"]
    report["placed"] = committed()
    report["lost"] = loses_a_race(four, five)
    report["after_race"] = committed()
    report["same_instant"] = same_instant(six)
    report["outside"] = outside_a_block()
    # SQLAlchemy's own set-up would replace Django's REGEXP, which knows of NULL.
    report["regex"] = Visit.objects.filter(referral__regex=r"^r-").count()
    report["django_instant"] = Visit.objects.get(state="lost").at == NOW
    connection.close()
    outside.dispose()
    engine.dispose()
    print(json.dumps(report))  # noqa: T201 - what this script is for


main()
