"""``slotengine outbox ...``: what others are still to be told, and telling them."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from slotengine.cli_options import OPEN_AT, Db, Json, Language, Now, Session, engine_at, instant
from slotengine.cli_options import language as chosen
from slotengine.delivering import Channel
from slotengine.destinations import Delivery, Form, Outgoing
from slotengine.engine import Engine
from slotengine.errors import InputError

app = typer.Typer(help="Messages to other systems.", no_args_is_help=True)

NOTHING_SENT = 4
"""Exit code when something could not be sent: the world said no."""

WORDS = {
    Delivery.PENDING: ("à envoyer", "to be sent"),
    Delivery.SENT: ("envoyé", "sent"),
    Delivery.STUCK: ("bloqué", "stuck"),
}


@app.command("list")
def list_(
    *,
    territory: Annotated[str | None, typer.Option(help="Of one territory only.")] = None,
    state: Annotated[
        list[Delivery] | None, typer.Option(help="pending, stuck, sent; default the first two.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 100,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Shows messages that are not sent yet, oldest first."""
    session = Session(json=as_json, lang=chosen(lang))
    states = tuple(state or (Delivery.PENDING, Delivery.STUCK))
    with engine_at(db) as engine:
        found = engine.outbox(territory, states=states, limit=limit)
    if session.json:
        session.emit({"messages": [one.model_dump(mode="json") for one in found]})
        return
    for one in found:
        session.out.print(_line(session, one))
    session.out.print(session.say(f"Messages : {len(found)}.", f"Messages: {len(found)}."))


def _line(session: Session, one: Outgoing) -> str:
    what = f"{one.id} {one.destination} {one.notice.booking} {one.notice.status.value}"
    fault = f" ({one.fault})" if one.fault else ""
    tries = session.say(f"essais : {one.attempts}", f"attempts: {one.attempts}")
    return f"{what}: {session.say(*WORDS[one.state])}, {tries}{fault}"


@app.command()
def send(
    territory: Annotated[str, typer.Argument(help="Name of a territory.")],
    *,
    system: Annotated[str, typer.Option(help="OID or URL under which your bookings are numbered.")],
    cert: Annotated[Path | None, typer.Option(help="Client certificate (PEM) for mTLS.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key (PEM).")] = None,
    authority: Annotated[
        Path | None, typer.Option("--ca", help="Authority of the other side (PEM).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 1_000,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Sends what is due to the territory's destinations over HTTP (forms sas and fhir)."""
    session = Session(json=as_json, lang=chosen(lang))
    tls = tuple(None if path is None else str(path) for path in (cert, key, authority))
    with engine_at(db) as engine, ExitStack() as open_until_sent:
        channels = _channels(engine, territory, system=system, tls=tls, until=open_until_sent)
        report = engine.deliver(channels, now=instant(now), limit=limit, actor=OPEN_AT)
    if session.json:
        session.emit(report.model_dump(mode="json"))
    else:
        sent, postponed, stuck = len(report.sent), len(report.postponed), len(report.stuck)
        session.out.print(
            session.say(
                f"Envoyés : {sent}. À renvoyer plus tard : {postponed}. Bloqués : {stuck}.",
                f"Sent: {sent}. To be sent again later: {postponed}. Stuck: {stuck}.",
            )
        )
    if report.postponed or report.stuck:
        raise typer.Exit(NOTHING_SENT)


def _channels(
    engine: Engine,
    territory: str,
    *,
    system: str,
    tls: tuple[str | None, ...],
    until: ExitStack,
) -> dict[str, Channel]:
    """Gives the channels of a territory's destinations that are told over HTTP."""
    # Opens httpx, which the other commands must not pay for.
    from slotengine.sending import FhirChannel, Tls, client

    policy = engine.policy(territory)
    found: dict[str, Channel] = {}
    for destination in policy.destinations:
        if destination.form not in {Form.SAS, Form.FHIR}:
            continue
        if destination.url is None:
            raise InputError(f"destination {destination.name} has no url")
        http = until.enter_context(client(destination.url, tls=Tls(*tls)))
        made = FhirChannel.of_sas if destination.form is Form.SAS else FhirChannel.of_server
        found[destination.name] = made(http, system=system, zone=policy.zone)
    return found


@app.command()
def resend(
    message: Annotated[int, typer.Argument(help="Number of a stuck message.")],
    *,
    now: Now = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Makes a stuck message due again."""
    session = Session(json=as_json, lang=chosen(lang))
    with engine_at(db) as engine:
        again = engine.resend(message, now=instant(now), actor=OPEN_AT)
    if session.json:
        session.emit(again.model_dump(mode="json"))
    else:
        session.out.print(_line(session, again))
