"""``slotengine mllp``: listens for the HL7 messages of one house until it is told to stop."""

import asyncio
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from slotengine.adapters.sources import adapter_for
from slotengine.cli_options import Db, Json, Language, Session, engine_at, language, present
from slotengine.cli_places import bounds_of
from slotengine.data_folder import default_key_file
from slotengine.domain import Actor
from slotengine.errors import InputError
from slotengine.serving_listening import Tls
from slotengine.serving_mllp import DEFAULT_PORT, Listener, refuse_open_address
from slotengine.serving_mllp_desk import Desk
from slotengine.vault import Pseudonymiser

ACTOR_ID = "mllp"


@dataclass(frozen=True)
class Address:
    """Where to listen, and with which certificates."""

    host: str
    port: int
    tls: Tls | None


def command(
    *,
    source: Annotated[str, typer.Option(help="Who sends: hospital, emergency, ehpad ...")],
    territory: Annotated[str, typer.Option(help="Territory that receives the referrals.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = DEFAULT_PORT,
    sender: Annotated[
        str | None, typer.Option(help="Id of the house that sends, where messages name none.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="Key of the pseudonyms; default in the data folder.")
    ] = None,
    cert: Annotated[Path | None, typer.Option(help="Our certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    client_ca: Annotated[
        Path | None, typer.Option(help="Authority of the clients' certificates (PEM).")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Say what would be done, and end.")
    ] = False,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Listens for HL7 v2 messages over MLLP: stores each, then acknowledges it."""
    session = Session(json=as_json, lang=language(lang))
    address = Address(host, port, _tls(cert, key, client_ca))
    refuse_open_address(host, address.tls)
    with engine_at(db) as engine:
        policy = engine.policy(territory)
        adapter = adapter_for(
            source,
            territory=territory,
            zone=policy.zone,
            pseudonymiser=Pseudonymiser.from_file(key_file or default_key_file()),
            format="hl7v2",
            bounds=bounds_of(territory),
            sender=sender,
            red_flags=policy.red_flag_motives,
        )
        desk = Desk(adapter, engine, present, Actor(role=source, id=ACTOR_ID))
        if check:
            if address.tls is not None:
                address.tls.context()
            _say(session, address, port)
            return
        # Ctrl-C where the loop takes no signals (Windows): what is not acknowledged is sent again.
        with suppress(KeyboardInterrupt):
            asyncio.run(_until_stopped(session, desk, address))


async def _until_stopped(session: Session, desk: Desk, address: Address) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(sign, stop.set)
    listener = Listener(desk)
    port = await listener.start(address.host, address.port, tls=address.tls)
    _say(session, address, port)
    await stop.wait()
    await listener.stop()


def _say(session: Session, address: Address, port: int) -> None:
    """Prints one line, so that whoever starts us knows the port at once."""
    if session.json:
        tls = address.tls is not None
        session.emit({"host": address.host, "port": port, "client_certificates": tls})
        return
    secured = session.say("avec certificats clients", "with client certificates")
    plain = session.say("cette machine seulement", "this machine only")
    how = plain if address.tls is None else secured
    listening = session.say("MLLP à l'écoute", "MLLP listens")
    colon = session.say(" :", ":")
    typer.echo(f"{listening}{colon} {address.host}, port {port} ({how}).")


def _tls(cert: Path | None, key: Path | None, client_ca: Path | None) -> Tls | None:
    if cert is None and key is None and client_ca is None:
        return None
    if cert is None or key is None or client_ca is None:
        raise InputError("--cert, --key and --client-ca go together")
    return Tls(certificate=cert, key=key, client_authority=client_ca)
