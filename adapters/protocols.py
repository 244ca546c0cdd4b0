"""
The six protocols under which others than a physician act first on an unscheduled need.

National cooperation protocols, arrêtés of 6 March 2020 (Journal officiel of 8 and 10 March 2020);
those of sore throat and cystitis were opened to CPTS by the arrêtés of 9 March 2023. About 40 %
of these patients still need a physician: that is when a referral comes with one. Whom a protocol
takes is read from the titles of the texts where they say it, else from the orders' and the trade
press's accounts of them; exclusions that only an examination tells are not ours.
"""

from typing import Annotated

from pydantic import Field

from slotengine.adapters.fields import plain
from slotengine.adapters.kinds import Kind
from slotengine.codes import Sex, SourceKind
from slotengine.domain import AgeYears, Patient, Value

SYSTEM = "snp-protocol"
"""The code system of a motive that is a protocol."""

_AT_THE_COUNTER = frozenset({SourceKind.PHARMACY, SourceKind.NURSE})
_BY_HAND = frozenset({SourceKind.PHYSIOTHERAPIST})


class SnpProtocol(Value):
    """A protocol: who may act under it, and for whom; both ages belong to it."""

    code: Annotated[str, Field(pattern=r"^[a-z-]{1,40}$")]
    name_fr: str
    name_en: str
    sources: frozenset[SourceKind]
    min_age: AgeYears
    max_age: AgeYears
    sex: Sex | None = None
    said: tuple[str, ...] = ()

    def takes(self, patient: Patient) -> bool:
        """Tells whether it takes a patient; an age or a sex that nobody said does not exclude."""
        if patient.age is not None and not self.min_age <= patient.age <= self.max_age:
            return False
        return self.sex is None or patient.sex in {self.sex, Sex.UNKNOWN}


SNP_PROTOCOLS = (
    SnpProtocol(
        code="odynophagie",
        name_fr="odynophagie",
        name_en="sore throat",
        sources=_AT_THE_COUNTER,
        # "patients de 6 à 45 ans": title of the arrêté of 9 March 2023.
        min_age=6,
        max_age=45,
        said=("mal de gorge", "angine", "odynophagia", "tonsillitis"),
    ),
    SnpProtocol(
        code="pollakiurie",
        name_fr="pollakiurie et brûlures mictionnelles",
        name_en="urinary frequency and burning",
        sources=_AT_THE_COUNTER,
        # "chez la femme de 16 à 65 ans": title of the arrêté of 6 March 2020.
        min_age=16,
        max_age=65,
        sex=Sex.FEMALE,
        said=("brûlures mictionnelles", "brûlure mictionnelle", "cystite", "cystitis"),
    ),
    SnpProtocol(
        code="rhinoconjonctivite",
        name_fr="rhino-conjonctivite allergique saisonnière",
        name_en="seasonal allergic rhinoconjunctivitis",
        sources=_AT_THE_COUNTER,
        # 15 to 50 years: Le Quotidien du pharmacien, March 2020; the text was not at hand.
        min_age=15,
        max_age=50,
        said=("rhinoconjonctivite allergique", "rhinite allergique", "hay fever"),
    ),
    SnpProtocol(
        code="eruption-vesiculeuse",
        name_fr="éruption vésiculeuse prurigineuse de l'enfant",
        name_en="itching vesicular rash of a child",
        sources=_AT_THE_COUNTER,
        # "l'enfant de 12 mois à 12 ans": title of the arrêté of 6 March 2020.
        min_age=1,
        max_age=12,
        said=("éruption cutanée vésiculeuse prurigineuse", "varicelle", "chickenpox"),
    ),
    SnpProtocol(
        code="cheville",
        name_fr="traumatisme en torsion de la cheville",
        name_en="twisted ankle",
        sources=_BY_HAND,
        # 18 to 55 years: MACSF and the order's council of the Nord on the arrêté.
        min_age=18,
        max_age=55,
        said=("entorse de la cheville", "entorse de cheville", "entorse", "ankle sprain"),
    ),
    SnpProtocol(
        code="lombalgie",
        name_fr="douleur lombaire aiguë de moins de 4 semaines",
        name_en="acute low back pain",
        sources=_BY_HAND,
        # 20 to 55 years: the order's council of the Nord on the arrêté.
        min_age=20,
        max_age=55,
        said=("lombalgie aiguë", "douleur lombaire aiguë", "lumbago", "low back pain"),
    ),
)
"""In the order of the texts; ``code`` is ours, the texts have none."""

_BY_WORDS = {
    plain(words): protocol
    for protocol in SNP_PROTOCOLS
    for words in (protocol.code, protocol.name_fr, protocol.name_en, *protocol.said)
}


def protocol_of(text: str) -> SnpProtocol | None:
    """
    Gives the protocol that a code or a name means.

    Examples
    --------
    >>> [protocol_of(text).code for text in ("Cystite", "ANKLE SPRAIN", "eruption-vesiculeuse")]
    ['pollakiurie', 'cheville', 'eruption-vesiculeuse']
    >>> protocol_of("vaccination") is None
    True
    """
    return _BY_WORDS.get(plain(text))


def objection(protocol: SnpProtocol, patient: Patient, allowed: frozenset[str]) -> Kind | None:
    """Gives what speaks against a referral under a protocol from a source, or None."""
    if protocol.code not in allowed:
        return Kind.NOT_ALLOWED
    return None if protocol.takes(patient) else Kind.OUTSIDE_PROTOCOL


def protocols_for(source: SourceKind) -> frozenset[str]:
    """Gives the codes of the protocols under which a source may act."""
    return frozenset(one.code for one in SNP_PROTOCOLS if source in one.sources)
