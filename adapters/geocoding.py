"""
Where a patient is, without asking anybody: the communes of France are part of the package.

INSEE code first, then postcode with the commune's name, then a postcode of one commune, then the
commune nearest to the coordinates. Coordinates that agree stay the point.
"""

from slotengine.adapters.base import Warned, Whereabouts
from slotengine.adapters.commune_names import (
    DISTRICTS,
    bare,
    district,
    district_code,
    district_of_postcode,
    names_of,
)
from slotengine.adapters.communes import Commune, Table, france
from slotengine.adapters.kinds import Kind
from slotengine.domain import Location

NEAR_METRES = 40_000
"""From a commune's point to its farthest corner, Arles included. Our choice, not measured."""

NEAR_METRES_GUIANA = 250_000
"""The same in French Guiana, whose communes are as large as départements. Our choice."""

GUIANA = "973"


class Communes:
    """
    Finds the commune that a record names, and tells what was doubtful about it.

    Examples
    --------
    >>> place, doubts = Communes().locate(Whereabouts(postcode="77240", city="CESSON"))
    >>> place.insee, doubts
    ('77067', ())
    """

    def __init__(self, table: Table | None = None) -> None:
        self._given = table

    @property
    def _table(self) -> Table:
        return self._given or france()

    def locate(self, said: Whereabouts) -> tuple[Location | None, tuple[Warned, ...]]:
        """Gives the place, or None where nothing tells, and what was doubtful about it."""
        doubts: list[Warned] = []
        commune = self._commune(said, doubts)
        if said.lat is None or said.lon is None:
            return (None if commune is None else _point(commune)), tuple(doubts)
        if commune is None:
            nearest = self._table.nearest(said.lat, said.lon)
            insee = None if nearest is None else nearest.insee
            return Location(lat=said.lat, lon=said.lon, insee=insee), tuple(doubts)
        near = NEAR_METRES_GUIANA if commune.insee.startswith(GUIANA) else NEAR_METRES
        if commune.metres_to(said.lat, said.lon) > near:
            doubts.append(Warned(field="lat", kind=Kind.FAR_FROM_COMMUNE))
            return _point(commune), tuple(doubts)
        return Location(lat=said.lat, lon=said.lon, insee=commune.insee), tuple(doubts)

    def _commune(self, said: Whereabouts, doubts: list[Warned]) -> Commune | None:
        by_code = None if said.insee is None else self._table.coded(said.insee)
        as_postcode = () if said.insee is None else self._table.of_postcode(said.insee)
        if by_code is not None and not self._meant_postcode(said, by_code, as_postcode):
            self._agreeing(said, by_code, doubts)
            return by_code
        postcode = said.postcode
        if said.insee is not None:
            kind = Kind.POSTCODE if as_postcode else Kind.UNKNOWN_CODE
            doubts.append(Warned(field="insee", kind=kind))
            postcode = postcode or said.insee
        if postcode is None:
            if said.city is not None:
                # Many communes share a name: Cesson (77) is not Cesson-Sévigné (35).
                doubts.append(Warned(field="city", kind=Kind.AMBIGUOUS_PLACE))
            return None
        found = self._by_postcode(said, postcode, doubts)
        return None if found is None else _in_district(found, said.city, postcode)

    def _meant_postcode(
        self, said: Whereabouts, by_code: Commune, as_postcode: tuple[Commune, ...]
    ) -> bool:
        """
        Tells whether what stands as INSEE code is another commune's postcode.

        Official samples write 77360 for Vaires-sur-Marne; as INSEE code it is Pézarches, 30 km
        away. The other fields decide: the name, the postcode field, else what is nearer.
        """
        others = [one for one in as_postcode if one.insee != by_code.insee]
        if not others:
            return False
        if said.city is not None:
            name = bare(said.city)
            if name in names_of(by_code.name):
                return False
            if any(name in names_of(one.name) for one in others):
                return True
        if said.postcode is not None:
            return said.postcode == said.insee
        if said.lat is None or said.lon is None:
            return False
        nearest = min(one.metres_to(said.lat, said.lon) for one in others)
        return nearest < by_code.metres_to(said.lat, said.lon)

    def _agreeing(self, said: Whereabouts, commune: Commune, doubts: list[Warned]) -> None:
        """Notes a postcode or name that belongs to another commune: the INSEE code wins."""
        if said.postcode is None:
            return
        shared = self._table.of_postcode(said.postcode)
        if not shared:
            return
        if all(not _same(one, commune) for one in shared):
            doubts.append(Warned(field="postcode", kind=Kind.CONTRADICTS))
        elif said.city is not None:
            named = _among(shared, said.city)
            if named and all(not _same(one, commune) for one in named):
                doubts.append(Warned(field="city", kind=Kind.CONTRADICTS))

    def _by_postcode(
        self, said: Whereabouts, postcode: str, doubts: list[Warned]
    ) -> Commune | None:
        shared = self._table.of_postcode(postcode)
        if said.city is not None:
            named = _among(shared, said.city)
            if len(named) == 1:
                return named[0]
            if not named:
                # A CEDEX postcode, or a neighbour's: the name within the département.
                elsewhere = self._table.named(_city(said.city), postcode)
                if len(elsewhere) == 1:
                    if shared:
                        doubts.append(Warned(field="postcode", kind=Kind.CONTRADICTS))
                    return elsewhere[0]
                doubts.append(Warned(field="city", kind=Kind.UNKNOWN_CODE))
        if len(shared) == 1:
            return shared[0]
        if shared and said.lat is not None and said.lon is not None:
            lat, lon = said.lat, said.lon
            return min(shared, key=lambda one: one.metres_to(lat, lon))
        kind = Kind.AMBIGUOUS_PLACE if shared else Kind.UNKNOWN_CODE
        doubts.append(Warned(field="postcode", kind=kind))
        return None


def _point(commune: Commune) -> Location:
    return Location(lat=commune.lat, lon=commune.lon, insee=commune.insee)


def _same(one: Commune, other: Commune) -> bool:
    """Tells whether two are the same commune, an arrondissement being its city."""
    return (one.lat, one.lon) == (other.lat, other.lon)


def _city(name: str) -> str:
    """Gives a bare name; an arrondissement's is its city's."""
    part = district(name)
    return bare(name) if part is None else part[0]


def _among(communes: tuple[Commune, ...], name: str) -> tuple[Commune, ...]:
    wanted = _city(name)
    return tuple(one for one in communes if wanted in names_of(one.name))


def _in_district(commune: Commune, city: str | None, postcode: str) -> Commune:
    """Gives a city's arrondissement where name or postcode tells it; the point is the city's."""
    if commune.insee not in DISTRICTS:
        return commune
    part = None if city is None else district(city)
    code = district_code(commune.insee, part[1]) if part else None
    code = code or district_of_postcode(commune.insee, postcode)
    return commune if code is None else commune._replace(insee=code)


COMMUNES = Communes()
"""The geocoder of whoever brings none."""
