"""What a shipped territory shows of its synthetic people: a practice's town, and a booking page."""

from slotengine.adapters.communes import france
from slotengine.adapters.sas_resources import number_of
from slotengine.directory import Address, Role
from slotengine.domain import Site
from slotengine.fixtures.nouns import Supply, Territory

AGENDA = "https://agenda.example/rpps/"
"""Where nobody books: ``.example`` is reserved (RFC 2606)."""

RANK = "001"
"""Of a practice that has neither FINESS nor SIRET: the first of its practitioner."""


def roles_of(place: Territory | Supply) -> tuple[Role, ...]:
    """Gives a role for each practitioner and site that have a slot; without names and phones."""
    sites = {(site.territory, site.id): site for site in place.sites}
    pairs = {(slot.territory, slot.practitioner, slot.site) for slot in place.slots}
    return tuple(
        Role(
            territory=territory,
            practitioner=practitioner,
            site=site,
            structure=number_of(sites[territory, site]) or f"4{practitioner}{RANK}",
            address=_address(sites[territory, site]),
            booking_url=AGENDA + practitioner,
        )
        for territory, practitioner, site in sorted(pairs)
    )


def _address(site: Site) -> Address | None:
    commune = france().coded(site.location.insee or "")
    if commune is None or not commune.postcodes:
        return None
    # A label ends with its town, which stands beside it.
    line = (site.label or site.id).removesuffix(f", {commune.name}")
    return Address(line=line, postcode=commune.postcodes[0], city=commune.name)
