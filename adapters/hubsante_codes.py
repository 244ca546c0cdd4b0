"""
The code lists of the Hub Santé that decide how a case is read.

Source: ansforge/SAMU-Hub-Modeles (Apache-2.0), nomenclatures HubSante.{motif, priorite, etat,
typeDecision, typeOrientation} and the enums of its schemas, version 26.07.29.
"""

from collections.abc import Mapping

from slotengine.adapters.fields import plain
from slotengine.codes import Mode, Priority, Profession

MOTIVE_SYSTEM = "hubsante-motif"
"""The code system of a motive that is in the list below, or that claims to be."""

UNSCHEDULED = "SNP"
"""The perimeter that is ours; the others are AMU, NEONAT and PSY."""

ACTUAL = "Actual"
"""The status of a message about a real patient; the others are Exercise and System."""

PRIORITIES: Mapping[str, Priority] = {
    "P0": Priority.ASAP,
    "P1": Priority.ASAP,
    "P2": Priority.URGENT,
    "P3": Priority.ROUTINE,
}
"""
Order of regulation to delay of care, our choice: P says how fast a doctor takes the call, not how
ill the patient is (HubSante.priorite), so none of them means "within 4 h". Not regulated (NR) says
nothing.
"""

NOT_REGULATED = "NR"
"""No doctor spoke to anybody: the priority says nothing."""

LEVEL_BY_DECISION = "R3"
"""The level that an orientation to a practice implies: continuity of care (niveauSoin)."""

LEVEL_OF_ADVICE = "R4"
"""Advice or a prescription by phone: no slot, unless somebody is oriented to one."""

DEFAULT_PRIORITY = "P2"
"""What a case without a priority has (HubSante.priorite: "valeur attribuée par défaut")."""

CALM_PRIORITIES = frozenset({"P2", "P3"})
"""Not urgent and deferred: with these an orientation alone tells the level."""

CANCELS = "Cancel"
UPDATES = "Update"
NO_NEWS = frozenset({"Ack", "Error"})
"""Kinds of message (RC-DE, EDXL-DE) other than Report."""

ADVICE = frozenset({"CONSEIL", "PMT", "PASPLUS"})
"""Decisions after which nobody moves: advice, prescription, nothing further."""

ORIENTED, SENT = "ORIENT", "INTER"
"""Decisions after which somebody moves: the patient, or who comes to them."""

ORIENTATIONS: Mapping[str, Mode] = {
    "CABINET": Mode.AMB,
    "DOMICILE": Mode.HH,
    "EPHAD": Mode.HH,
}
"""Where care is given; hospitals (URGENCES, REA-USI, SANTE) are not ours, AUTRE says nothing."""

UNCLEAR = "AUTRE"
"""An orientation that says nothing; who gives care may say it."""

LIBERAL = "LIBERAL"
PRACTITIONERS: Mapping[str, Profession] = {
    LIBERAL: Profession.PHYSICIAN,
    "LIBERAL.MG": Profession.PHYSICIAN,
    "LIBERAL.MSPD": Profession.PHYSICIAN,
    "LIBERAL.SPEMED": Profession.PHYSICIAN,
    "LIBERAL.INF": Profession.NURSE,
    "LIBERAL.KINE": Profession.PHYSIOTHERAPIST,
    "LIBERAL.PHARM": Profession.PHARMACIST,
    "LIBERAL.DENT": Profession.DENTIST,
}
"""
Who gives care outside hospital. SOS, MMG and MCS are called in person by the regulator and need
no slot of ours; LABO and AUTREPRO are no profession that gives slots.
"""

VAGUE = frozenset({"VILLE", "INCONNUE"})
"""Precisions of a point that may be a town's middle, or anything."""

CARRIERS = frozenset({"TSU", "AASC"})
"""Ambulances that only carry: who rides in one to a practice needs a slot there all the same."""

MOTIVES: Mapping[str, str] = {
    "M01.00": "Détresse vitale",
    "M01.01": "Suspicion d'arrêt cardiaque, mort subite",
    "M01.02": "Altération de la conscience",
    "M01.03": "Détresse respiratoire",
    "M02.00": "Blessure",
    "M02.01": "Saignements",
    "M02.02": "Hémorragie sévère liée à un traumatisme",
    "M02.03": "Hypothermie, gelure, coup de chaleur, insolation",
    "M02.04": "Brûlure grave",
    "M02.05": "Brûlure sans critère de gravité",
    "M02.06": "Traumatisme bénin, petite plaie, lésion bénigne",
    "M02.07": "Traumatisme sérieux, plaie intermédiaire",
    "M02.08": "Traumatisme grave, plaie délabrante",
    "M02.09": "Section complète de membre, de doigts",
    "M02.10": "Ecrasement de membre ou du tronc",
    "M03.00": "Problème médical",
    "M03.01": "Accouchement imminent ou en cours",
    "M03.02": "Autre problème obstétrique non hémorragique",
    "M03.03": "Saignements gynécologiques",
    "M03.04": "Saignements obstétricaux",
    "M03.05": "Problème gynécologique et uro-génital",
    "M03.06": "Douleur thoracique",
    "M03.07": "Problème neurologique hors AVC, épilepsie",
    "M03.08": "Signes d'AVC",
    "M03.09": "Malaise sans perte de connaissance initiale",
    "M03.10": "Malaise avec perte de connaissance initiale",
    "M03.11": "Céphalée, migraines",
    "M03.12": "Gêne respiratoire",
    "M03.13": "Autre problème cardio-vasculaire",
    "M03.14": "Fièvre, problème infectieux",
    "M03.15": "Problème allergique",
    "M03.16": "Problème psychiatrique",
    "M03.17": "Agitation, anxiété, spasmophilie",
    "M03.18": "Saignements",
    "M03.19": "Hémorragie sévère",
    "M03.20": "Douleur abdominale isolée",
    "M03.21": "Trouble digestif",
    "M03.22": "Autre douleur",
    "M04.00": "Intoxications",
    "M04.01": "Intoxication volontaire et sevrage",
    "M04.02": "Intoxication involontaire ou accidentelle à des produits toxiques",
    "M04.03": "Ébriété, ivresse",
    "M04.04": "Intoxication éthylique aiguë",
    "M05.00": "Problème ou détresse sociale",
    "M05.01": "Problème social ou sanitaire",
    "M05.02": "Altération de l'état général - misère physiologique et incurie",
    "M06.00": "Autre type de demande",
    "M06.01": "Décès certain, demande de certificat de décès",
    "M06.02": "Demande de conseil médical, certificats - ordonnance",
    "M06.03": "Personne restant à terre suite à une chute",
    "M06.04": "Autres motifs ou pas de motif identifié",
    "M07.00": "Non renseigné",
}
"""HubSante.motif: code to label."""

_SAID = [(code, plain(label)) for code, label in MOTIVES.items()]
_TWICE = {said for _, said in _SAID if sum(said == other for _, other in _SAID) > 1}


def motive_labelled(label: str) -> str | None:
    """
    Gives the code whose label stands in these words, the longest label first.

    A label that two codes share tells nothing.

    Examples
    --------
    >>> motive_labelled("Douleur thoracique - cas d'usage"), motive_labelled("Saignements")
    ('M03.06', None)
    """
    words = f" {plain(label)} "
    found = [
        (len(said), code) for code, said in _SAID if said not in _TWICE and f" {said} " in words
    ]
    return max(found)[1] if found else None
