"""The command that takes agendas in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from slotengine.adapters.agenda import Agenda, AgendaDoor, AgendaPart
from slotengine.adapters.agenda_formats import parts, readers
from slotengine.adapters.agenda_ics import ReservedRule
from slotengine.adapters.geocoding import Communes
from slotengine.adapters.kinds import sentence
from slotengine.adapters.lines import Payload
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
from slotengine.codes import Audience, Mode
from slotengine.domain import TimeWindow
from slotengine.engine import Engine
from slotengine.errors import InputError
from slotengine.reconciling import AgendaReport

DEFAULT_DAYS = 28
"""Days ahead that an agenda is read for: the longest horizon of a plan, twice. Our choice."""

FEEDS = ("https://", "http://")
"""How the URL of a feed begins; plain http is for this machine only."""

REFUSED = 3
"""Exit code of an agenda that was not believed: the input is wrong."""


@dataclass(frozen=True)
class Import:
    """Files that are one agenda together, and how they are to be read."""

    files: tuple[str, ...]
    door: AgendaDoor
    window: TimeWindow
    asked: bool
    reserved: ReservedRule
    format_: str | None
    communes: frozenset[str] | None


def command(
    file: Annotated[list[str], typer.Argument(help="Files, or feeds that begin with https://.")],
    *,
    territory: Annotated[str, typer.Option(help="Territory that the slots belong to.")],
    name: Annotated[
        str | None,
        typer.Option(help="Name of the agenda; each source of slots has its own."),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", help="csv, xlsx, ics, fhir, directory; default by content."),
    ] = None,
    practitioner: Annotated[
        str | None, typer.Option(help="RPPS of whose agenda it is, where it does not say.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Id of a published site, likewise.")] = None,
    minutes: Annotated[
        int | None, typer.Option(help="Length of a slot that long entries are cut into.")
    ] = None,
    mode: Annotated[list[Mode] | None, typer.Option(help="How care is given.")] = None,
    audience: Annotated[
        list[Audience] | None, typer.Option(help="Who slots are reserved for.")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Category of reserved events (ics).")
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Regular expression of their titles (ics).")
    ] = None,
    commune: Annotated[
        list[str] | None, typer.Option(help="INSEE codes that are read (directory).")
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=400, help="Days that it speaks for; default what it says."),
    ] = None,
    allow_withdrawals: Annotated[
        bool, typer.Option("--allow-withdrawals", help="Believe it whatever vanished.")
    ] = False,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Takes agendas over: slots, who gives them and where; booked ones never move silently."""
    session = Session(json=as_json, lang=language(lang))
    at = instant(now)
    with engine_at(db) as engine:
        policy = engine.policy(territory)
        door = AgendaDoor(
            name=name or (f"agenda-{practitioner}" if practitioner else "agenda"),
            territory=territory,
            zone=policy.zone,
            geocoder=Communes(),
            practitioner=practitioner,
            site=site,
            minutes=minutes,
            structures=frozenset({policy.structure.finess}) if policy.structure else frozenset(),
            modes=tuple(mode or (Mode.AMB,)),
            audiences=tuple(audience or (Audience.CPTS,)),
        )
        wanted = Import(
            files=tuple(file),
            door=door,
            window=TimeWindow(start=at, end=at + timedelta(days=days or DEFAULT_DAYS)),
            asked=days is not None,
            reserved=_rule(category, title),
            format_=format_,
            communes=frozenset(commune) if commune else None,
        )
        report = take(session, engine, wanted, now=at, allow_withdrawals=allow_withdrawals)
    show(session, report)
    if report.refused:
        raise typer.Exit(REFUSED)
    if report.rejected or report.not_published:
        raise typer.Exit(exit_code(None, rejected=True))


def _rule(categories: list[str] | None, title: str | None) -> ReservedRule:
    if categories is None and title is None:
        return ReservedRule()
    try:
        return ReservedRule(categories=tuple(categories or ()), title=title)
    except ValueError as bad:
        raise InputError("--title is no regular expression") from bad


def take(
    session: Session,
    engine: Engine,
    wanted: Import,
    *,
    now: datetime,
    allow_withdrawals: bool,
) -> AgendaReport:
    """
    Reads the files as one agenda and hands it to the engine.

    Raises
    ------
    ReferralFormatError
        When a file is unreadable as a whole; nothing is written then.
    """
    agenda = Agenda.of(wanted.door.name, session.track(_parts(wanted), wanted.door.name, None))
    # Asked for so many days, it speaks for them; else for as long as it says itself.
    window = wanted.window if wanted.asked else agenda.window or wanted.window
    return engine.reconcile(
        agenda,
        territory=wanted.door.territory,
        window=window,
        now=now,
        allow_withdrawals=allow_withdrawals,
        actor=OPEN_AT,
    )


def _parts(wanted: Import) -> Iterator[AgendaPart]:
    known = readers(reserved=wanted.reserved, communes=wanted.communes)
    for file in wanted.files:
        with _opened(file) as payload:
            yield from parts(
                Payload(payload),
                door=wanted.door,
                window=wanted.window,
                known=known,
                format_=wanted.format_,
            )


def _opened(file: str) -> BinaryIO:
    """Gives a file's bytes, or a feed's."""
    if file.startswith(FEEDS):
        # Opens httpx, which files do not need.
        from slotengine.sending_feeds import fetch

        return BytesIO(fetch(file))
    try:
        return Path(file).open("rb")
    except OSError as unreadable:
        raise InputError(f"{Path(file).name} can't be read") from unreadable


def show(session: Session, report: AgendaReport) -> None:
    """Says what an import changed."""
    faults = [
        {**one.model_dump(mode="json"), "sentence": sentence(one.field, one.kind, session.lang)}
        for one in report.rejected
    ]
    if session.json:
        session.emit({**report.model_dump(mode="json"), "rejected": faults})
        return
    out = session.out
    for fault in faults:
        place = fault["path"] or fault["line"] or fault["record"]
        out.print(session.say(f"{place} : ", f"{place}: ") + fault["sentence"])
    for item in report.not_published:
        out.print(
            session.say(f"{item.id} n'est pas publié : ", f"{item.id} not published: "), item.why
        )
    if report.refused:
        out.print(
            session.say(
                f"Rien n'a été écrit : {report.vanishing} des {report.standing} créneaux à venir "
                "disparaîtraient, ou le fichier est incomplet. S'il est juste : "
                "--allow-withdrawals.",
                f"Nothing was written: {report.refused}. If it is right: --allow-withdrawals.",
            )
        )
        return
    for incident in report.incidents:
        seat = incident.replacement.slot if incident.replacement else session.say("aucun", "none")
        out.print(
            session.say(
                f"{incident.referral} perd {incident.lost.slot} ; nouveau créneau : {seat}",
                f"{incident.referral} loses {incident.lost.slot}; new slot: {seat}",
            )
        )
    kept = len(report.kept) + len(report.left)
    out.print(
        session.say(
            f"Créneaux nouveaux : {report.created}, modifiés : {report.changed}, inchangés : "
            f"{report.same}, retirés : {len(report.withdrawn)}, laissés en l'état : {kept}, hors "
            f"période : {report.ignored}. Patients à reloger : {len(report.incidents)}. "
            f"Personnes et lieux mis à jour : {report.described}. Rejetés : {len(faults)}.",
            f"Slots new: {report.created}, changed: {report.changed}, same: {report.same}, "
            f"withdrawn: {len(report.withdrawn)}, left as they are: {kept}, outside the period: "
            f"{report.ignored}. Patients who lost a seat: {len(report.incidents)}. "
            f"People and places updated: {report.described}. Rejected: {len(faults)}.",
        )
    )
