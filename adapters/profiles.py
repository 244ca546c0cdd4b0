"""
The ten sources: what each means when it says nothing, what it must say, and what it may see.

Nothing is refused here for being unwanted: red flags, audiences and radii are the engine's.
"""

from collections.abc import Mapping

from slotengine.adapters.base import Detail, Profile
from slotengine.adapters.protocols import protocols_for
from slotengine.adapters.registered import IdKind
from slotengine.codes import Mode, Priority, SourceKind

_CALLED_BACK = frozenset({Detail.PRACTITIONER, Detail.ADDRESS, Detail.PHONE, Detail.MOTIVE})
"""Whoever may have to call the practice before the patient comes."""

_IN_FRONT = frozenset({Detail.PRACTITIONER, Detail.ADDRESS, Detail.MOTIVE})
"""Whoever writes the appointment down for the patient in front of them."""

_PROFILES = (
    # At the counter somebody waits: a day, unless the sender says otherwise. A pharmacy is known
    # by its FINESS, its pharmacists by RPPS.
    Profile(
        source=SourceKind.PHARMACY,
        priority=Priority.URGENT,
        ids=frozenset({IdKind.RPPS, IdKind.FINESS, IdKind.ACCOUNT}),
        protocols=protocols_for(SourceKind.PHARMACY),
        sees=_IN_FRONT,
    ),
    # Nurses moved from ADELI to RPPS from 2021 on: their software holds both.
    Profile(
        source=SourceKind.NURSE,
        priority=Priority.URGENT,
        ids=frozenset({IdKind.RPPS, IdKind.ADELI, IdKind.INTERNAL, IdKind.CABINET, IdKind.ACCOUNT}),
        protocols=protocols_for(SourceKind.NURSE),
        sees=_IN_FRONT,
    ),
    # Pain of muscle and joint that a physiotherapist passes on is rarely due today.
    Profile(
        source=SourceKind.PHYSIOTHERAPIST,
        priority=Priority.ROUTINE,
        ids=frozenset({IdKind.RPPS, IdKind.ADELI, IdKind.CABINET, IdKind.ACCOUNT}),
        protocols=protocols_for(SourceKind.PHYSIOTHERAPIST),
        sees=_IN_FRONT,
    ),
    # In the RPPS since it exists: a FINESS or an ADELI is somebody else's.
    Profile(
        source=SourceKind.MIDWIFE,
        priority=Priority.URGENT,
        ids=frozenset({IdKind.RPPS, IdKind.INTERNAL, IdKind.CABINET, IdKind.ACCOUNT}),
        sees=_IN_FRONT,
    ),
    # A discharge is followed up within days; the ward knows its patients.
    Profile(
        source=SourceKind.HOSPITAL,
        priority=Priority.ROUTINE,
        ids=frozenset({IdKind.FINESS, IdKind.SIRET, IdKind.RPPS, IdKind.INTERNAL, IdKind.ACCOUNT}),
        sees=_CALLED_BACK,
    ),
    # Without its level an R1 would pass for an R3. A caller may be nobody we can name.
    Profile(
        source=SourceKind.SAMU,
        priority=Priority.URGENT,
        required=frozenset({"care_level"}),
        identity_required=False,
        ids=frozenset({IdKind.FINESS, IdKind.RPPS, IdKind.INTERNAL, IdKind.ACCOUNT}),
        sees=_CALLED_BACK,
    ),
    # Sent on from the waiting room: seen the same half day, or they had better stayed.
    Profile(
        source=SourceKind.EMERGENCY,
        priority=Priority.ASAP,
        identity_required=False,
        ids=frozenset({IdKind.FINESS, IdKind.RPPS, IdKind.INTERNAL, IdKind.ACCOUNT}),
        sees=_CALLED_BACK,
    ),
    # Several homes share one territory: which one asks decides where the doctor goes, so it is
    # the home that is named and not its nurse.
    Profile(
        source=SourceKind.EHPAD,
        priority=Priority.URGENT,
        modes=(Mode.AMB, Mode.HH),
        required=frozenset({"requester_id"}),
        ids=frozenset({IdKind.FINESS, IdKind.SIRET, IdKind.ACCOUNT}),
        sees=_CALLED_BACK,
    ),
    # Who answers for the person: social services follow up by office. They are no health
    # professionals: no reason for care comes from them or goes to them (CSP, art. L1110-4).
    Profile(
        source=SourceKind.SOCIAL,
        priority=Priority.ROUTINE,
        required=frozenset({"requester_id"}),
        ids=frozenset({IdKind.FINESS, IdKind.SIRET, IdKind.ACCOUNT}),
        motives=frozenset(),
        sees=frozenset({Detail.PRACTITIONER, Detail.ADDRESS}),
    ),
    # A practice may need any profession: a default would be a guess.
    Profile(
        source=SourceKind.PRACTICE,
        priority=Priority.URGENT,
        professions=(),
        ids=frozenset(IdKind),
        sees=_CALLED_BACK,
    ),
)

PROFILES: Mapping[SourceKind, Profile] = {profile.source: profile for profile in _PROFILES}
"""Every source with its rules (all our choice where no text is named)."""
