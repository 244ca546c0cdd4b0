"""
What a territory publishes about who works where: public facts, for those who show slots.

Never read by the solver and never in a plan: a practitioner's name is public in the national
directory, and needed there only.
"""

from typing import Annotated

from pydantic import StringConstraints

from slotengine.domain import Id, TerritoryName, Value

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""E.164: the SAS wants ``+33XXXXXXXXX``."""

StructureId = Annotated[
    str, StringConstraints(pattern=r"^(1[0-9AB]{9}|3\d{14}|4\d{14}|0\d{9,14})$")
]
"""
IDNST with its prefix: 1 FINESS, 3 SIRET, 4 RPPS and rank, 0 ADELI and rank (ANS).
The same digits mean other things before a person's id.
"""

Url = Annotated[str, StringConstraints(max_length=500, pattern=r"^https?://[^\s]+$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=120)]


class Address(Value):
    """A street address of a practice; never a patient's."""

    line: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    postcode: Annotated[str, StringConstraints(pattern=r"^[0-9]{5}$")]
    city: Words


class Role(Value):
    """
    A practitioner at a site (FHIR PractitionerRole): what may be shown of both.

    ``booking_url`` is the agenda's page on which a person books (SAS: ``Slot.comment``).
    """

    territory: TerritoryName
    practitioner: Id
    site: Id
    family_name: Words | None = None
    given_name: Words | None = None
    phone: Phone | None = None
    structure: StructureId | None = None
    address: Address | None = None
    booking_url: Url | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it unique."""
        return self.territory, self.practitioner, self.site


class Structure(Value):
    """The CPTS itself, as it is named to the SAS: FINESS, name, phone."""

    finess: Annotated[str, StringConstraints(pattern=r"^[0-9AB]{9}$")]
    name: Words
    phone: Phone | None = None
