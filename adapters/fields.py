"""
The fields of a record, and the header names that people write above them.

Names are compared without accents, case and punctuation; ``docs/intake.md`` lists them for senders.
"""

import re
import unicodedata
from collections.abc import Mapping

Raw = str | tuple[str, ...]
"""A field as it came: text, or the items of a list."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "reference": ("ref", "numero_demande", "reference_demande", "referral_id", "case_id"),
    "patient_id": ("id_patient", "ipp", "numero_patient"),
    "nir": ("ins", "matricule_ins", "numero_securite_sociale", "numero_secu", "nss"),
    "birth_name": ("nom_naissance", "nom_de_naissance"),
    "family_name": ("last_name", "surname", "nom", "nom_de_famille", "nom_usage", "nom_d_usage"),
    "given_name": ("first_name", "prenom", "prenoms"),
    "birth_date": ("date_of_birth", "dob", "date_naissance", "date_de_naissance", "ne_le"),
    "age": ("age_ans", "age_years"),
    "sex": ("gender", "sexe"),
    "lat": ("latitude",),
    "lon": ("lng", "longitude"),
    "insee": ("insee_code", "code_insee", "code_commune", "code_commune_insee"),
    "postcode": ("postal_code", "zip", "zip_code", "code_postal", "cp"),
    "city": ("town", "commune", "ville", "localite", "nom_commune"),
    "mobility": ("mobilite", "deplacement"),
    "own_practitioner": ("own_doctor", "medecin_traitant", "rpps_medecin_traitant"),
    "professions": ("profession", "profession_souhaitee", "professions_souhaitees"),
    "specialties": ("specialty", "specialite", "specialites"),
    "priority": ("urgency", "priorite", "urgence", "delai"),
    "care_level": ("niveau_soin", "niveau_de_soin"),
    "motive_code": ("reason_code", "code_motif", "motif_code"),
    "motive_system": ("reason_system", "systeme_motif", "motif_systeme"),
    "motive_label": ("motive", "reason", "motif", "libelle_motif", "motif_libelle"),
    "protocol": ("snp_protocol", "protocole", "protocole_snp", "protocole_de_cooperation"),
    "window_start": ("available_from", "disponible_de", "disponible_du", "debut_disponibilite"),
    "window_end": ("available_until", "disponible_a", "disponible_au", "fin_disponibilite"),
    "deadline": ("before", "avant_le", "echeance", "date_limite"),
    "modes": ("mode", "lieu_de_soin", "lieux_de_soin"),
    "group": ("groupe", "fratrie", "siblings", "family", "famille"),
    "pathway": ("parcours", "parcours_de_soin", "care_pathway"),
    "max_travel_km": ("distance_max_km", "km_max", "rayon_km"),
    "requester_id": (
        "requester",
        "demandeur",
        "id_demandeur",
        "rpps_demandeur",
        "finess_demandeur",
    ),
    "received_at": ("requested_at", "recu_le", "date_reception", "date_demande"),
    "status": ("statut", "etat"),
}
"""Canonical field to its other names."""

LISTS = frozenset({"professions", "specialties", "modes", "window_start", "window_end"})
"""Fields that may hold several values, separated by ``|`` or as a JSON list."""

LIST_SEPARATOR = "|"

DROPPED = "dropped"
"""Where contact data goes: compared with what is kept, then forgotten."""

CONTACT = frozenset(
    {
        "phone", "phone_number", "telephone", "tel", "mobile", "portable", "numero_telephone",
        "email", "e_mail", "mail", "courriel", "address", "street", "adresse", "rue",
    }
)  # fmt: skip
"""Names of columns that identify a patient and have no field."""

_ACCENTS = re.compile(r"[\u0300-\u036f]+")
_PUNCTUATION = re.compile(r"[\W_]+")
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae"})


def plain(text: str) -> str:
    """
    Gives words without accents, case and punctuation.

    Examples
    --------
    >>> plain("  À domicile, S.V.P. ")
    'a domicile s v p'
    """
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
        text = _ACCENTS.sub("", decomposed)
    return _PUNCTUATION.sub(" ", text.casefold()).strip()


_BY_NAME = {
    **{name: field for field, names in FIELDS.items() for name in (field, *names)},
    **dict.fromkeys(CONTACT, DROPPED),
}


def field_of(header: str) -> str | None:
    """
    Gives the field that a column or key stands for, ``DROPPED`` for contact data, else None.

    Examples
    --------
    >>> field_of("Date de naissance"), field_of("Tél."), field_of("Météo")
    ('birth_date', 'dropped', None)
    """
    return _BY_NAME.get(plain(header).replace(" ", "_"))
