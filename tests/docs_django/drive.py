"""
Drives the documented Django files on one database and prints what is in it afterwards, as JSON.

Runs in a process of its own: Django has one configuration a process, and registers converters for
all of sqlite3. Counts are read by a connection of its own, so they say what was committed.
"""

import json
import sys
from datetime import UTC, datetime, timedelta

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
from clinic.models import Visit  # noqa: E402 - as said
from clinic.on_django import in_atomic  # noqa: E402 - as said
from clinic.views import engine, place_referral  # noqa: E402 - as said
from django.db import connection, transaction  # noqa: E402 - as said
from django.test import RequestFactory  # noqa: E402 - as said

from slotengine import Referral, SlotTakenError  # noqa: E402 - as said
from slotengine.fixtures import territory  # noqa: E402 - as said

# The view asks the clock, so the territory's night is now.
NOW = datetime.now(UTC)
outside = create_engine(URL)


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
        try:
            with transaction.atomic(), in_atomic(engine) as bound:
                if bound.place(referral, now=NOW).booking is not None:
                    found.append(referral)
                raise HostError
        except HostError:
            pass
    return found


def post(referral: Referral) -> dict[str, object]:
    request = RequestFactory().post(
        "/referrals", data=referral.model_dump_json(), content_type="application/json"
    )
    answer: dict[str, object] = json.loads(place_referral(request).content)
    return answer


def fails_after_placing(referral: Referral) -> None:
    try:
        with transaction.atomic(), in_atomic(engine) as bound:
            bound.place(referral, now=NOW)
            Visit.objects.create(referral=referral.id, state="held")
            raise HostError
    except HostError:
        pass


def inner_block_fails(referral: Referral) -> None:
    """The host's outer block goes on and commits; the inner one took the booking with it."""
    with transaction.atomic():
        Visit.objects.create(referral=referral.id, state="outer")
        try:
            with transaction.atomic(), in_atomic(engine) as bound:
                bound.place(referral, now=NOW)
                raise HostError
        except HostError:
            pass


def loses_a_race(first: Referral) -> str:
    """Asks for a seat that is gone; the block stays usable and its row is kept."""
    other = Referral.model_validate(
        {**first.model_dump(), "id": "rival", "reference": "rival"}
        | {"patient": {**first.patient.model_dump(), "key": "f" * 32}}
    )
    engine.refer(first, now=NOW)
    engine.refer(other, now=NOW)
    wanted = engine.offers(first.id, now=NOW, limit=20)
    theirs = {offer.slot: offer for offer in engine.offers(other.id, now=NOW, limit=20)}
    taken = next(offer for offer in wanted if offer.slot in theirs)
    slot = next(iter(engine.agenda(taken.practitioner, _day(taken.start))))
    for seat in range(slot.capacity):
        del seat
        engine.hold(theirs[taken.slot], now=NOW)
    with transaction.atomic(), in_atomic(engine) as bound:
        try:
            bound.hold(taken, now=NOW)
        except SlotTakenError as lost:
            Visit.objects.create(referral=first.id, state="lost", at=NOW)
            return lost.why
    return "no race was lost"


def _day(start: datetime) -> object:
    from slotengine import TimeWindow

    return TimeWindow(start=start, end=start + timedelta(minutes=1))


def outside_a_block() -> str:
    try:
        with in_atomic(engine):
            return "was allowed"
    except RuntimeError as refused:
        return str(refused)


def main() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Visit)
    one, two, three, four, *_ = seatable()
    report: dict[str, object] = {"tried_and_undone": committed()}
    fails_after_placing(one)
    report["host_failed"] = committed()
    inner_block_fails(two)
    report["inner_failed"] = committed()
    report["answer"] = post(three)
    report["placed"] = committed()
    booking = engine.booking_of(three.id) if hasattr(engine, "booking_of") else None
    del booking
    report["lost"] = loses_a_race(four)
    report["after_race"] = committed()
    report["outside"] = outside_a_block()
    report["regex"] = Visit.objects.filter(referral__regex=r"^r-").count()
    report["instant"] = Visit.objects.get(state="lost").at == NOW
    connection.close()
    outside.dispose()
    engine.dispose()
    print(json.dumps(report))  # noqa: T201 - what this script is for


main()
