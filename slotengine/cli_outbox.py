"""``slotengine outbox ...``: what others are still to be told, and telling them."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import typer

from slotengine.cli_options import OPEN_AT, Db, Json, Language, Now, Session, engine_at, instant
from slotengine.cli_options import language as chosen
from slotengine.delivering import Channel
from slotengine.destinations import THIS_MACHINE, Delivery, Destination, Form, Outgoing
from slotengine.engine import Engine
from slotengine.errors import InputError

app = typer.Typer(help="Messages to other systems.", no_args_is_help=True)


class Files(NamedTuple):
    """Our certificate, its key, and the other side's authority."""

    cert: str | None
    key: str | None
    authority: str | None


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
    """Sends what is due to the territory's destinations: forms sas, fhir and hl7v2."""
    session = Session(json=as_json, lang=chosen(lang))
    tls = Files(*(None if path is None else str(path) for path in (cert, key, authority)))
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
    engine: Engine, territory: str, *, system: str, tls: Files, until: ExitStack
) -> dict[str, Channel]:
    """Gives the channels of a territory's destinations that a command can open by itself."""
    policy = engine.policy(territory)
    found: dict[str, Channel] = {}
    for destination in policy.destinations:
        if destination.form in {Form.SAS, Form.FHIR, Form.HL7V2}:
            if destination.url is None:
                raise InputError(f"destination {destination.name} has no url")
            found[destination.name] = _channel(
                destination, destination.url, system=system, zone=policy.zone, tls=tls, until=until
            )
    return found


def _channel(
    destination: Destination,
    url: str,
    *,
    system: str,
    zone: ZoneInfo,
    tls: Files,
    until: ExitStack,
) -> Channel:
    # Opens httpx, which the other commands must not pay for.
    from slotengine.sending import FhirChannel, Tls, client
    from slotengine.sending_mllp import MllpChannel

    if destination.form is Form.HL7V2:
        where = urlsplit(url)
        if where.scheme != "mllp" or not where.hostname or not where.port:
            raise InputError(f"destination {destination.name} is not mllp://host:port")
        local = where.hostname in THIS_MACHINE
        if not local and tls.cert is None:
            raise InputError("HL7 messages leave this machine with --cert, --key and --ca only")
        secured = None if local and tls.cert is None else Tls(*tls).context()
        return MllpChannel(where.hostname, where.port, zone, tls=secured)
    http = until.enter_context(client(url, tls=Tls(*tls)))
    made = FhirChannel.of_sas if destination.form is Form.SAS else FhirChannel.of_server
    return made(http, system=system, zone=zone)


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
