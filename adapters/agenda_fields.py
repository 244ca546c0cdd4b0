"""The columns of an agenda table, and the header names that people write above them."""

from collections.abc import Mapping

from slotengine.adapters.fields import plain
from slotengine.codes import Audience

FIELDS: Mapping[str, tuple[str, ...]] = {
    "date": ("jour", "day", "date_creneau"),
    "start": ("debut", "heure", "heure_debut", "heure_de_debut", "begin", "start_time", "de"),
    "end": ("fin", "heure_fin", "heure_de_fin", "end_time", "a"),
    "minutes": (
        *("duree", "duree_minutes", "duree_min", "duree_en_minutes", "duration"),
        *("duration_minutes", "duree_creneau"),
    ),
    "repeat_until": ("jusqu_au", "chaque_semaine_jusqu_au", "weekly_until"),
    "practitioner": (
        *("rpps", "rpps_praticien", "numero_rpps", "praticien", "medecin", "practitioner_id"),
        "identifiant_pp",
    ),
    "profession": ("code_profession",),
    "specialties": ("specialite", "specialites", "specialty", "code_specialite"),
    "family_name": ("nom", "nom_praticien", "nom_d_exercice", "last_name"),
    "given_name": ("prenom", "prenom_praticien", "prenom_d_exercice", "first_name"),
    "site": ("site_id", "lieu", "id_site", "code_site"),
    "finess": ("finess_site", "numero_finess", "finess_geographique"),
    "siret": ("siret_site", "numero_siret"),
    "label": ("nom_site", "nom_du_site", "libelle_site", "cabinet", "etablissement", "site_name"),
    "line": ("adresse", "address", "rue", "street", "voie"),
    "postcode": ("code_postal", "cp", "postal_code", "zip"),
    "city": ("ville", "commune", "town"),
    "insee": ("code_insee", "insee_code", "code_commune"),
    "lat": ("latitude",),
    "lon": ("lng", "longitude"),
    "phone": ("telephone", "tel"),
    "audiences": (
        *("type_creneau", "type_de_creneau", "audience", "type", "visibilite", "slot_type"),
        "reserve_a",
    ),
    "modes": ("mode", "lieu_de_soin", "type_de_consultation"),
    "capacity": ("capacite", "places", "nombre_de_places", "seats"),
    "opens_at": ("ouverture", "ouvre_le", "ouverture_le", "opens", "reservable_des"),
    "booking_url": ("url", "lien", "url_reservation", "url_de_reservation", "link"),
}
"""Canonical column to its other names."""

_BY_NAME = {
    plain(name).replace(" ", "_"): field
    for field, names in FIELDS.items()
    for name in (field, *names)
}

AUDIENCES: Mapping[str, Audience] = {
    **{plain(code.value): code for code in Audience},
    "grand public": Audience.PUBLIC,
    "tout public": Audience.PUBLIC,
    "professionnels": Audience.PRO,
    "professionnels de sante": Audience.PRO,
    "soins non programmes": Audience.SNP,
    "sas": Audience.SNP,
    "unscheduled": Audience.SNP,
}
"""What people call the classes of TRE_R314."""


def column_of(header: str) -> str | None:
    """
    Gives the column that a header stands for, or None.

    Examples
    --------
    >>> column_of("Début"), column_of("N° RPPS"), column_of("Météo")
    ('start', None, None)
    """
    return _BY_NAME.get(plain(header).replace(" ", "_"))
