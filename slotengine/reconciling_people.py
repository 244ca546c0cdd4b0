"""
Who works where, as an agenda says it: added to what is known, never in its place.

An agenda that names a doctor by number knows nothing of the caps and ages that a coordinator set.
"""

from slotengine.adapters.agenda import Agenda
from slotengine.directory import Role
from slotengine.domain import Practitioner, Site, by_id
from slotengine.ports import Unit


def put_described(unit: Unit, agenda: Agenda, territory: str) -> int:
    """Writes practitioners, sites and roles; gives how many were new or changed."""
    people, places = unit.described(
        territory, [one.id for one in agenda.practitioners], [one.id for one in agenda.sites]
    )
    known_people, known_places = by_id(people), by_id(places)
    practitioners = [
        _person(one, known_people.get(one.id), guessed=one.id in agenda.assumed_professions)
        for one in agenda.practitioners
    ]
    sites = [
        _place(one, known_places.get(one.id), guessed=one.id in agenda.assumed_places)
        for one in agenda.sites
    ]
    changed = unit.put_practitioners(practitioners) + unit.put_sites(sites)
    if not agenda.roles:
        return changed
    who = sorted({role.practitioner for role in agenda.roles})
    known_roles = {role.key: role for role in unit.roles(who)}
    return changed + unit.put_roles(
        [_role(role, known_roles.get(role.key)) for role in agenda.roles]
    )


def _person(new: Practitioner, old: Practitioner | None, *, guessed: bool) -> Practitioner:
    if old is None:
        return new
    return old.replaced(
        profession=old.profession if guessed else new.profession,
        specialties=new.specialties or old.specialties,
    )


def _place(new: Site, old: Site | None, *, guessed: bool) -> Site:
    """A commune's point says less than the point that is known, unless it is another commune's."""
    if old is None:
        return new
    same_commune = old.location.insee == new.location.insee
    return old.replaced(
        location=old.location if guessed and same_commune else new.location,
        label=new.label or old.label,
        finess=new.finess or old.finess,
        siret=new.siret or old.siret,
    )


def _role(new: Role, old: Role | None) -> Role:
    if old is None:
        return new
    said = {name: value for name, value in new if value is not None}
    return old.replaced(**said)
