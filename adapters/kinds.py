"""The kinds of fault that an incoming record or payload can have, with their words."""

from enum import StrEnum

from slotengine.labels import Lang, Words, word


class Kind(StrEnum):
    """What is wrong, never with what value."""

    MISSING = "missing"
    UNKNOWN_CODE = "unknown_code"
    BAD_NUMBER = "bad_number"
    OUT_OF_RANGE = "out_of_range"
    SWAPPED = "swapped"
    SIGN_FLIPPED = "sign_flipped"
    OUTSIDE_BOUNDS = "outside_bounds"
    PLACEHOLDER = "placeholder"
    POSTCODE = "postcode_given"
    FAR_FROM_COMMUNE = "far_from_commune"
    CONTRADICTS = "contradicts"
    AMBIGUOUS_PLACE = "ambiguous_place"
    BAD_DATE = "bad_date"
    AMBIGUOUS_TIME = "ambiguous_time"
    NONEXISTENT_TIME = "nonexistent_time"
    IN_FUTURE = "in_future"
    END_BEFORE_START = "end_before_start"
    BEFORE_RECEIVED = "before_received"
    WINDOW_COUNT = "window_count"
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    CONTROL_CHARACTER = "control_character"
    BAD_IDENTIFIER = "bad_identifier"
    SPREADSHEET_NUMBER = "spreadsheet_number"
    SPREADSHEET_ERROR = "spreadsheet_error"
    CHECK_DIGIT = "check_digit"
    WRONG_ID = "wrong_id"
    NOT_ALLOWED = "not_allowed"
    OUTSIDE_PROTOCOL = "outside_protocol"
    BAD_NIR = "bad_nir"
    BAD_NAME = "bad_name"
    IDENTIFYING = "identifying"
    WRONG_TYPE = "wrong_type"
    DUPLICATE_FIELD = "duplicate_field"
    DUPLICATE_SLOT = "duplicate_slot"
    BAD_RECURRENCE = "bad_recurrence"
    COLUMN_COUNT = "column_count"
    BAD_QUOTES = "bad_quotes"
    BAD_ENCODING = "bad_encoding"
    BROKEN_JSON = "broken_json"
    NOT_AN_OBJECT = "not_an_object"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    INVALID = "invalid"
    EMPTY = "empty"
    NO_HEADER = "no_header"
    DUPLICATE_HEADER = "duplicate_header"
    NOT_JSON = "not_json"
    UNKNOWN_FORMAT = "unknown_format"
    NOT_UNSCHEDULED = "not_unscheduled"
    ORIENTED_ELSEWHERE = "oriented_elsewhere"
    ADVICE_ONLY = "advice_only"
    NOT_A_CASE = "not_a_case"
    EXERCISE = "exercise"
    CONTRADICTION = "contradiction"
    IMPRECISE = "imprecise"
    AGE_BAND = "age_band"
    NOT_A_WORKBOOK = "not_a_workbook"
    OLD_WORKBOOK = "old_workbook"
    ENCRYPTED = "encrypted"
    BROKEN_WORKBOOK = "broken_workbook"
    FORBIDDEN_XML = "forbidden_xml"
    NOT_HL7 = "not_hl7"
    BAD_SEPARATORS = "bad_separators"
    UNSUPPORTED_MESSAGE = "unsupported_message"
    UNSUPPORTED_VERSION = "unsupported_version"
    ABOUT_A_SCHEDULE = "about_a_schedule"
    NOT_A_REFERRAL = "not_a_referral"
    UNQUALIFIED = "unqualified"
    SENDER_FAULT = "sender_fault"
    NOT_ACTIVE = "not_active"
    ALREADY_BOOKED = "already_booked"
    DECEASED = "deceased"
    PARTLY_READ = "partly_read"


KIND: dict[Kind, Words] = {
    Kind.MISSING: ("manque", "is missing"),
    Kind.UNKNOWN_CODE: ("code ou libellé inconnu", "is an unknown code or label"),
    Kind.BAD_NUMBER: ("n'est pas un nombre", "is not a number"),
    Kind.OUT_OF_RANGE: ("valeur hors des limites", "lies outside the allowed range"),
    Kind.SWAPPED: ("latitude et longitude inversées", "latitude and longitude are swapped"),
    Kind.SIGN_FLIPPED: ("signe inversé", "has the wrong sign"),
    Kind.OUTSIDE_BOUNDS: ("hors du territoire", "lies outside the territory"),
    Kind.PLACEHOLDER: ("valeur par défaut (0)", "is a placeholder (0)"),
    Kind.POSTCODE: (
        "code postal à la place du code INSEE",
        "is a postcode in place of an INSEE code",
    ),
    Kind.FAR_FROM_COMMUNE: ("loin de la commune indiquée", "lies far from the commune named"),
    Kind.CONTRADICTS: ("contredit un autre champ", "contradicts another field"),
    Kind.AMBIGUOUS_PLACE: ("plusieurs communes possibles", "may be several communes"),
    Kind.BAD_DATE: ("date ou heure impossible", "is no possible date or time"),
    Kind.AMBIGUOUS_TIME: (
        "heure qui existe deux fois (heure d'hiver) : ajoutez le décalage",
        "is a local time that occurs twice: add the offset",
    ),
    Kind.NONEXISTENT_TIME: (
        "heure qui n'existe pas (heure d'été)",
        "is a local time that does not exist",
    ),
    Kind.IN_FUTURE: ("dans le futur", "lies in the future"),
    Kind.END_BEFORE_START: ("se termine avant de commencer", "ends before it starts"),
    Kind.BEFORE_RECEIVED: ("avant la réception de la demande", "lies before the reception"),
    Kind.WINDOW_COUNT: (
        "autant de fins que de débuts sont attendues",
        "has not as many ends as starts",
    ),
    Kind.TOO_LONG: ("trop long", "is too long"),
    Kind.TOO_MANY: ("trop nombreux", "are too many"),
    Kind.CONTROL_CHARACTER: ("caractère interdit", "holds a forbidden character"),
    Kind.BAD_IDENTIFIER: ("identifiant mal formé", "is a malformed identifier"),
    Kind.SPREADSHEET_NUMBER: (
        "identifiant abîmé par un tableur (1,23E+14)",
        "is an identifier damaged by a spreadsheet (1.23E+14)",
    ),
    Kind.SPREADSHEET_ERROR: (
        "erreur de tableur (#REF!) ou formule sans résultat enregistré",
        "is an error of a spreadsheet (#REF!) or a formula without its result",
    ),
    Kind.CHECK_DIGIT: ("clé de contrôle fausse", "has a wrong check digit"),
    Kind.WRONG_ID: (
        "numéro d'un autre genre que ceux de cette source",
        "is a number of a kind that this source does not have",
    ),
    Kind.NOT_ALLOWED: ("non admis de cette source", "is not allowed from this source"),
    Kind.OUTSIDE_PROTOCOL: (
        "âge ou sexe hors du protocole",
        "does not take patients of this age or sex",
    ),
    Kind.BAD_NIR: ("NIR mal formé ou clé fausse", "is a malformed NIR or has a wrong key"),
    Kind.BAD_NAME: ("ne contient aucune lettre", "holds no letter"),
    Kind.IDENTIFYING: ("contient l'identité du patient", "repeats the patient's identity"),
    Kind.WRONG_TYPE: ("type de valeur inattendu", "has an unexpected type"),
    Kind.DUPLICATE_FIELD: ("donné deux fois", "is given twice"),
    Kind.DUPLICATE_SLOT: (
        "deux créneaux du même praticien au même début",
        "is the start of another slot of the practitioner",
    ),
    Kind.BAD_RECURRENCE: (
        "récurrence incomprise ou sans fin raisonnable",
        "is a recurrence that is not understood or has too many instances",
    ),
    Kind.COLUMN_COUNT: (
        "nombre de colonnes différent de l'en-tête",
        "has not the header's columns",
    ),
    Kind.BAD_QUOTES: ("guillemets mal fermés", "has quotes that do not close"),
    Kind.BAD_ENCODING: ("ni UTF-8 ni Windows-1252", "is neither UTF-8 nor Windows-1252"),
    Kind.BROKEN_JSON: ("JSON mal formé", "is malformed JSON"),
    Kind.NOT_AN_OBJECT: ("n'est pas un objet JSON", "is not a JSON object"),
    Kind.TOO_DEEP: ("imbrication trop profonde", "is nested too deeply"),
    Kind.TOO_LARGE: (
        "trop volumineux : la suite n'est pas lue",
        "is too large: the rest is unread",
    ),
    Kind.INVALID: ("valeur refusée", "was refused"),
    Kind.EMPTY: ("vide", "is empty"),
    Kind.NO_HEADER: ("aucun nom de colonne connu", "has no known column name"),
    Kind.DUPLICATE_HEADER: ("deux colonnes pour le même champ", "has two columns for one field"),
    Kind.NOT_JSON: ("n'est pas du JSON", "is not JSON"),
    Kind.UNKNOWN_FORMAT: ("format inconnu", "is of an unknown format"),
    Kind.NOT_UNSCHEDULED: ("ne relève pas des soins non programmés", "is no unscheduled care"),
    Kind.ORIENTED_ELSEWHERE: ("adresse le patient ailleurs", "sends the patient elsewhere"),
    Kind.ADVICE_ONLY: (
        "conseil ou prescription, sans rendez-vous",
        "is advice or a prescription, without an appointment",
    ),
    Kind.NOT_A_CASE: ("message sans dossier de patient", "is a message without a patient's case"),
    Kind.EXERCISE: (
        "exercice ou essai, aucun vrai patient",
        "is an exercise or a test, no real patient",
    ),
    Kind.CONTRADICTION: ("contredit un autre champ", "contradicts another field"),
    Kind.IMPRECISE: ("peu précis", "is not precise"),
    Kind.AGE_BAND: ("seulement une tranche d'âge", "is known as a band of ages only"),
    Kind.NOT_A_WORKBOOK: ("n'est pas un classeur Excel (.xlsx)", "is no Excel workbook (.xlsx)"),
    Kind.OLD_WORKBOOK: (
        "classeur de l'ancien format : enregistrez-le en .xlsx",
        "is a workbook of the old format: save it as .xlsx",
    ),
    Kind.ENCRYPTED: ("protégé par un mot de passe", "is protected by a password"),
    Kind.BROKEN_WORKBOOK: (
        "classeur abîmé : la suite n'est pas lue",
        "is a damaged workbook: the rest is unread",
    ),
    Kind.FORBIDDEN_XML: (
        "déclare un type de document ou des entités",
        "declares a document type or entities",
    ),
    Kind.NOT_HL7: ("n'est pas du HL7 v2", "is not HL7 v2"),
    Kind.BAD_SEPARATORS: (
        "séparateurs HL7 illisibles (MSH-1, MSH-2)",
        "has unreadable HL7 separators (MSH-1, MSH-2)",
    ),
    Kind.UNSUPPORTED_MESSAGE: (
        "type de message non pris en charge",
        "is of a message type that is not read here",
    ),
    Kind.UNSUPPORTED_VERSION: (
        "version non prise en charge",
        "is of a version that is not read here",
    ),
    Kind.ABOUT_A_SCHEDULE: (
        "concerne un agenda, pas un patient",
        "is about a schedule, not about a patient",
    ),
    Kind.NOT_A_REFERRAL: ("ne demande pas de rendez-vous", "asks for no appointment"),
    Kind.UNQUALIFIED: (
        "identité non qualifiée : l'INS n'est pas utilisé",
        "is of an unqualified identity: the INS is not used",
    ),
    Kind.SENDER_FAULT: (
        "compte rendu d'erreur de l'émetteur",
        "is a report of a fault, not a request",
    ),
    Kind.NOT_ACTIVE: ("n'est pas une demande à traiter", "is not a request to act upon"),
    Kind.ALREADY_BOOKED: ("rendez-vous déjà pris ailleurs", "is an appointment made elsewhere"),
    Kind.DECEASED: ("patient décédé", "is of a patient who died"),
    Kind.PARTLY_READ: ("lu en partie seulement", "is read in part only"),
}


def sentence(field: str, kind: Kind, lang: Lang) -> str:
    """
    Says a fault for a person.

    Examples
    --------
    >>> sentence("priority", Kind.MISSING, Lang.EN), sentence("priority", Kind.MISSING, Lang.FR)
    ('priority is missing', 'priority : manque')
    """
    words = word(KIND[kind], lang)
    return f"{field} : {words}" if lang is Lang.FR else f"{field} {words}"
