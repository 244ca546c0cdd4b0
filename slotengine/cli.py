"""
``slotengine ...``: wiring only.

Exit codes: 0 done; 1 a bug of ours; 2 wrong usage; 3 the input is wrong; 4 the world said no
(taken, expired, unknown id); 5 the solver; 6 the database; 7 done, but some records were rejected.
Results go to standard output (with ``--json`` one JSON document), progress and errors to standard
error.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from slotengine import (
    cli_agenda,
    cli_changes,
    cli_demo,
    cli_intake,
    cli_intake_files,
    cli_mllp,
    cli_outbox,
    cli_serve,
    cli_show,
    cli_simulate,
    cli_upkeep,
)
from slotengine.cli_options import (
    OPEN_AT,
    Db,
    Json,
    Language,
    Now,
    Session,
    engine_at,
    exit_code,
    instant,
    language,
)
from slotengine.domain import TimeWindow
from slotengine.engine import Engine
from slotengine.errors import InputError, SlotEngineError
from slotengine.fixtures import NAMES
from slotengine.policy import Policy
from slotengine.queries import TOP_SEATS

app = typer.Typer(
    name="slotengine",
    help="Gives a patient who needs care soon the right reserved slot, and proves it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
database = typer.Typer(help="The database of the engine.", no_args_is_help=True)
app.add_typer(database, name="db")
app.add_typer(cli_outbox.app, name="outbox")
app.command("simulate")(cli_simulate.command)
app.command("mllp")(cli_mllp.command)
app.command("serve")(cli_serve.command)
app.command("agenda")(cli_agenda.command)

TerritoryArgument = Annotated[str, typer.Argument(help="Name of a territory.")]


@app.command()
def demo(
    territory: Annotated[str, typer.Option(help="One of the ten territories.")] = NAMES[0],
    *,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic people.")] = 0,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Plans a real territory's night with a proof, then places a pharmacist's referral."""
    cli_demo.run(Session(json=as_json, lang=language(lang)), territory=territory, seed=seed, url=db)


@app.command()
def territories(*, db: Db = None, lang: Language = None, as_json: Json = False) -> None:
    """Lists the territories that ship with the engine, and which are in the database."""
    session = Session(json=as_json, lang=language(lang))
    with engine_at(db) as engine:
        cli_show.territories(session, stored=engine.territories())


@app.command()
def load(
    territory: TerritoryArgument,
    *,
    policy: Annotated[
        Path | None, typer.Option(help="A policy in TOML instead of the territory's own.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic people.")] = 0,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Loads one of the ten territories: its policy, sites, slots and waiting referrals."""
    session = Session(json=as_json, lang=language(lang))
    rules = None if policy is None else Policy.from_toml(cli_intake.text_of(policy))
    with engine_at(db) as engine:
        cli_intake.load(session, engine, territory, seed=seed, now=instant(now), policy=rules)


@app.command()
def intake(
    source: Annotated[str, typer.Argument(help="Who sends: pharmacy, nurse, hospital, samu ...")],
    file: Annotated[
        list[Path],
        typer.Argument(callback=cli_intake_files.readable, help="- is standard input."),
    ],
    *,
    territory: Annotated[str, typer.Option(help="Territory that receives the referrals.")],
    format_: Annotated[
        str | None, typer.Option("--format", help="csv, xlsx, json ...; default by content.")
    ] = None,
    sender: Annotated[
        str | None, typer.Option(help="Id of the house that sends, where records name none.")
    ] = None,
    book: Annotated[bool, typer.Option("--book", help="Book the best seat of each.")] = False,
    offers: Annotated[bool, typer.Option("--offers", help="Show the best seats of each.")] = False,
    rejects: Annotated[
        Path | None, typer.Option(help="Folder for what was rejected, to be mended.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="Key of the pseudonyms; default in the data folder.")
    ] = None,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Reads referrals from files; a bad record is reported and the others go on."""
    session = Session(json=as_json, lang=language(lang))
    sent = cli_intake_files.Sent(
        tuple(file),
        source=source,
        territory=territory,
        format_=format_,
        sender=sender,
        key_file=key_file,
        wanted=cli_intake_files.wanted(book=book, offers=offers),
        rejects=rejects,
    )
    with engine_at(db) as engine:
        code = cli_intake_files.intake(session, engine, sent, now=instant(now))
    if code:
        raise typer.Exit(code)


@app.command()
def offers(
    referral: Annotated[str, typer.Argument(help="Id of a referral.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=20, help="How many.")] = 3,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Shows the best free seats for a waiting referral."""
    session = Session(json=as_json, lang=language(lang))
    with engine_at(db) as engine:
        cli_show.offers(session, engine, referral, limit=limit, now=instant(now))


@app.command()
def plan(
    territory: TerritoryArgument,
    *,
    hours: Annotated[
        float | None, typer.Option(min=1, help="Horizon in hours; default the policy's.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the tie-break.")] = 0,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Plans the waiting referrals of a territory, with proof, and writes the promises."""
    session = Session(json=as_json, lang=language(lang))
    horizon = None if hours is None else timedelta(hours=hours)
    with engine_at(db) as engine, session.busy("plan"):
        policy = engine.policy(territory)
        report = engine.plan(territory, horizon, now=instant(now), seed=seed, actor=OPEN_AT)
    cli_show.plan(session, report, policy)


@app.command()
def explain(
    referral: Annotated[str, typer.Argument(help="Id of a referral.")],
    *,
    breakdown: Annotated[
        bool, typer.Option("--breakdown", help="For coordinators: the funnel of rules.")
    ] = False,
    change: Annotated[
        bool, typer.Option("--change", help="For coordinators: what would give it a seat.")
    ] = False,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Says why a referral has its seat, or none."""
    session = Session(json=as_json, lang=language(lang))
    with engine_at(db) as engine:
        at = instant(now)
        found = engine.explain(referral, now=at, breakdown=breakdown)
        if change:
            with session.busy("explain"):
                search = engine.smallest_change(referral, now=at)
            policy = engine.policy(engine.referral(referral).territory)
            cli_changes.explanation(session, found, search, policy)
            return
    cli_show.explanation(session, found)


@app.command()
def seats(
    territory: TerritoryArgument,
    *,
    hours: Annotated[
        float | None, typer.Option(min=1, help="Horizon in hours; default the policy's.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=20, help="How many.")] = TOP_SEATS,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Shows where one more seat would bring most, verified by planning with it."""
    session = Session(json=as_json, lang=language(lang))
    horizon = None if hours is None else timedelta(hours=hours)
    with engine_at(db) as engine, session.busy("seats"):
        policy = engine.policy(territory)
        found = engine.more_seats(territory, horizon, now=instant(now), top=top)
    cli_changes.seats(session, found, policy)


@app.command()
def withdraw(
    slot: Annotated[list[str], typer.Argument(help="Ids of slots.")],
    *,
    reason: Annotated[str, typer.Option(help="Why, for the record; no patient data.")],
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Takes slots back; patients on them are seated again where a seat fits."""
    session = Session(json=as_json, lang=language(lang))
    with engine_at(db) as engine:
        report = engine.withdraw(slot, reason=reason, now=instant(now), actor=OPEN_AT)
    cli_show.withdrawal(session, report)


@app.command()
def reprice(
    territory: TerritoryArgument,
    *,
    seed: Annotated[int, typer.Option(help="Seed of the sampled futures.")] = 0,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Computes what each free seat is worth to those who come later."""
    session = Session(json=as_json, lang=language(lang))
    with engine_at(db) as engine, session.busy("reprice"):
        policy = engine.policy(territory)
        found = engine.reprice(territory, now=instant(now), seed=seed, actor=OPEN_AT)
    cli_upkeep.repriced(session, found, policy)


@app.command()
def waitlist(
    territory: TerritoryArgument,
    *,
    seed: Annotated[int, typer.Option(help="Seed of the sampled futures.")] = 0,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Shows who waits, in the order of the line, and how likely each gets a seat in time."""
    session = Session(json=as_json, lang=language(lang))
    with engine_at(db) as engine, session.busy("waitlist"):
        policy = engine.policy(territory)
        found = engine.waitlist(territory, now=instant(now), seed=seed, actor=OPEN_AT)
    cli_upkeep.waitlist(session, found, policy)


@app.command()
def tend(
    territory: TerritoryArgument,
    *,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Does what time made due: expire, announce, offer freed seats, give back, price."""
    session = Session(json=as_json, lang=language(lang))
    with engine_at(db) as engine, session.busy("tend"):
        policy = engine.policy(territory)
        report = engine.tend(territory, now=instant(now), actor=OPEN_AT)
    cli_upkeep.tended(session, report, policy)


@app.command("hand-back")
def hand_back(
    territory: TerritoryArgument,
    *,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Gives empty seats back to their practitioners where they are due."""
    session = Session(json=as_json, lang=language(lang))
    with engine_at(db) as engine:
        policy = engine.policy(territory)
        found = engine.hand_back(territory, now=instant(now), actor=OPEN_AT)
    cli_upkeep.handed_back(session, found, policy)


@app.command()
def replace(
    practitioner: Annotated[str, typer.Argument(help="Id of who is away.")],
    *,
    by: Annotated[str, typer.Option(help="Id of who takes over.")],
    from_: Annotated[str, typer.Option("--from", help="First start of a slot, ISO 8601.")],
    until: Annotated[str, typer.Option(help="End of the time away, ISO 8601.")],
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Gives a practitioner's slots to a locum; bookings stay."""
    session = Session(json=as_json, lang=language(lang))
    start, end = instant(from_, "--from"), instant(until, "--until")
    if end <= start:
        raise InputError("--until does not lie after --from")
    away = TimeWindow(start=start, end=end)
    with engine_at(db) as engine:
        report = engine.replace(practitioner, by, away, now=instant(now), actor=OPEN_AT)
    cli_upkeep.replaced(session, report)
    if report.rejected:
        raise typer.Exit(exit_code(None, rejected=True))


@database.command("upgrade")
def upgrade(*, db: Db = None, lang: Language = None, as_json: Json = False) -> None:
    """Creates the tables, or brings an older database up to this version."""
    session = Session(json=as_json, lang=language(lang))
    Engine.upgrade(db)
    cli_show.upgraded(session)


def main() -> None:
    """Runs the command line; every deliberate error is one sentence and an exit code."""
    try:
        app()
    except SlotEngineError as error:
        typer.echo(f"slotengine: {error}", err=True)
        sys.exit(exit_code(error))
