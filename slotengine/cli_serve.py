"""``slotengine serve``: the doors over HTTP, on the loopback unless somebody is asked who."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slotengine.adapters.sources import adapter_for
from slotengine.cli_options import Db, Json, Language, Session, engine_at, language, present
from slotengine.cli_places import bounds_of
from slotengine.data_folder import default_key_file
from slotengine.errors import InputError
from slotengine.vault import Pseudonymiser

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.routing import BaseRoute

    from slotengine.adapters.base import Door
    from slotengine.domain import Actor
    from slotengine.engine import Engine
    from slotengine.serving_auth import Authenticate
    from slotengine.serving_listening import Tls

HOST = "127.0.0.1"
PORT = 8080
"""Default port. Our choice: the one that proxies are mostly pointed at."""

MAX_PORT = 65_535

NEEDS_WEB = "the web extra is not installed: pip install 'slotengine[web]'"


def command(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
    port: Annotated[int, typer.Option(min=0, max=MAX_PORT, help="Port; 0 takes any.")] = PORT,
    keys: Annotated[
        Path | None, typer.Option(help="File of API keys: lines of name: sha256.")
    ] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(help="Address or network of a proxy that forwards client certificates."),
    ] = None,
    client: Annotated[
        list[str] | None, typer.Option(help="Who may ask by certificate: CN=...,OU=...")
    ] = None,
    cert: Annotated[Path | None, typer.Option(help="Our own TLS: certificate, in PEM.")] = None,
    cert_key: Annotated[Path | None, typer.Option(help="Its private key.")] = None,
    client_ca: Annotated[
        Path | None, typer.Option(help="Authority of the clients' certificates.")
    ] = None,
    crl: Annotated[Path | None, typer.Option(help="Certificates that it has revoked.")] = None,
    open_reading: Annotated[
        bool, typer.Option("--open-reading", help="Let anybody read free slots.")
    ] = False,
    public_url: Annotated[
        str | None, typer.Option(help="Where a proxy shows us to the outside.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="Key of the pseudonyms; default in the data folder.")
    ] = None,
    scheduling: Annotated[
        str | None,
        typer.Option(help="SOURCE:TERRITORY that holders of keys find, hold and book for."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check options, database and keys, and end.")
    ] = False,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Serves free slots to the national platform (SAS), and takes its regulators' accounts."""
    session = Session(json=as_json, lang=language(lang))
    try:
        from slotengine import serving
    except ImportError as missing:
        raise InputError(NEEDS_WEB) from missing
    tls = _tls(cert, cert_key, client_ca, crl)
    authenticate = _authenticate(keys, proxy or [], client or [], tls)
    pseudonyms = Pseudonymiser.from_file(key_file or default_key_file())
    with engine_at(db) as engine:
        more = [] if scheduling is None else _operations(engine, scheduling, public_url, pseudonyms)
        application = serving.app(
            engine,
            now=present,
            authenticate=authenticate,
            open_reading=open_reading,
            public_url=public_url,
            pseudonyms=pseudonyms,
            more=more,
        )
        server = serving.server(
            application, host=host, port=port, authenticated=authenticate is not None, tls=tls
        )
        territories = len(engine.territories())
        _say(session, host, port, territories, asked=authenticate is not None, check=check)
        if check:
            return
        _log_to_stderr()
        server.run()


def _operations(
    engine: "Engine", scheduling: str, public_url: str | None, pseudonyms: Pseudonymiser
) -> "list[BaseRoute]":
    """Gives the routes of the scheduling operations, for whoever has a key of their own."""
    from slotengine.serving_auth import API_ROLE
    from slotengine.serving_iti import Operations
    from slotengine.serving_sas import base_of

    source, _, territory = scheduling.partition(":")
    policy = engine.policy(territory)
    adapter = adapter_for(
        source,
        territory=territory,
        zone=policy.zone,
        pseudonymiser=pseudonyms,
        bounds=bounds_of(territory),
        red_flags=policy.red_flag_motives,
    )

    def door_of(actor: "Actor") -> "Door | None":
        return adapter.door if actor.role == API_ROLE else None

    return Operations(engine, now=present, door_of=door_of, base=base_of(public_url)).routes()


def _tls(
    cert: Path | None, cert_key: Path | None, client_ca: Path | None, crl: Path | None
) -> "Tls | None":
    from slotengine.serving_listening import Tls

    if cert is None and cert_key is None and client_ca is None and crl is None:
        return None
    if cert is None or cert_key is None or client_ca is None:
        raise InputError("our own TLS needs --cert, --cert-key and --client-ca")
    return Tls(certificate=cert, key=cert_key, client_authority=client_ca, revoked=crl)


def _authenticate(
    keys: Path | None, proxies: list[str], clients: list[str], tls: "Tls | None"
) -> "Authenticate | None":
    from slotengine.serving_auth import ApiKeys, ClientCertificate, ForwardedCertificate
    from slotengine.serving_names import Subject

    subjects = [Subject.read(text) for text in clients]
    if subjects and not proxies and tls is None:
        raise InputError("--client needs --proxy, or --cert with --client-ca")
    ways: list[Authenticate] = []
    if keys is not None:
        ways.append(ApiKeys.from_file(keys))
    if proxies:
        ways.append(ForwardedCertificate(proxies, subjects))
    if tls is not None:
        ways.append(ClientCertificate(subjects))
    if not ways:
        return None

    def first(asked: "HTTPConnection") -> "Actor | None":
        return next((actor for way in ways if (actor := way(asked)) is not None), None)

    return first


def _say(
    session: Session, host: str, port: int, territories: int, *, asked: bool, check: bool
) -> None:
    if session.json:
        session.emit(
            {"host": host, "port": port, "territories": territories, "authenticated": asked}
        )
        return
    if check:
        words = session.say(
            f"Prêt à servir {territories} territoire(s) sur {host}:{port}.",
            f"Ready to serve {territories} territories on {host}:{port}.",
        )
    else:
        words = session.say(
            f"Sert {territories} territoire(s) sur {host}:{port}.",
            f"Serving {territories} territories on {host}:{port}.",
        )
    session.out.print(words)


def _log_to_stderr() -> None:
    """Sends our log and uvicorn's to standard error: a command line may, a library may not."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
