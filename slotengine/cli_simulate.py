"""``slotengine simulate``: the days of a territory replayed, and the trade of a change."""

from pathlib import Path
from typing import Annotated

import typer

from slotengine.cli_intake import text_of
from slotengine.cli_options import Db, Json, Language, Session, engine_at, language
from slotengine.policy import Policy


def command(
    territory: Annotated[str, typer.Argument(help="One of the ten territories.")],
    *,
    policy: Annotated[
        Path | None, typer.Option(help="A policy in TOML to compare with the territory's own.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=60, help="Open days replayed.")] = 3,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="How many draws of them.")] = 3,
    load: Annotated[float, typer.Option(min=0.1, max=5, help="Demand over seats.")] = 1.0,
    more_slots: Annotated[
        list[str] | None,
        typer.Option(help="PRACTITIONER:N, N slots more a day; PRACTITIONER:N:mon on Mondays."),
    ] = None,
    radius_km: Annotated[
        float | None, typer.Option(min=1, max=200, help="Another search radius.")
    ] = None,
    values: Annotated[
        str | None, typer.Option(help="Other values, stat,asap,urgent,routine, weighted minutes.")
    ] = None,
    desk: Annotated[
        list[str] | None, typer.Option(help="A policy at the counter; default all, or ours.")
    ] = None,
    db: Db = None,
    lang: Language = None,
    as_json: Json = False,
) -> None:
    """Replays days of a territory under several policies, or without and with a change."""
    # Opened here: the other commands start without the simulation's libraries.
    from slotengine.cli_simulate_tables import change_of, run

    change = change_of(
        policy=None if policy is None else Policy.from_toml(text_of(policy)),
        more_slots=more_slots or [],
        radius_km=radius_km,
        values=values,
    )
    run(
        Session(json=as_json, lang=language(lang)),
        territory,
        change,
        today=None if db is None else _present_policy(db, territory),
        load=load,
        days=days,
        seeds=seeds,
        policies=tuple(desk or ()),
    )


def _present_policy(url: str, territory: str) -> Policy | None:
    """Gives the policy in force in a database; None where the territory is not in it."""
    with engine_at(url) as engine:
        return engine.policy(territory) if territory in engine.territories() else None
