"""
What a forecast takes for granted before a territory has a history, each figure with its source.

FIELD stands for the project's collection of field figures with their sources, whose conclusions
``docs/forecast.md`` repeats. Shares are weights; they are divided by their sum.
"""

from slotengine.codes import Priority, Profession, SourceKind

PER_INHABITANTS = 80_000
"""The base of the daily rates: a mid-size territory."""

DAILY_RATE: dict[SourceKind, float] = {
    # 16,000 SNP orientations of the SAS a day in France are 19 per 80,000 inhabitants; the UK quota
    # of one slot per 3,000 patients is 27 (FIELD): the middle of both.
    SourceKind.SAMU: 23,
    # "Pharmacies and nurses come on top" (FIELD): these figures are our choice.
    SourceKind.PHARMACY: 15,
    SourceKind.NURSE: 12,
    SourceKind.PRACTICE: 12,
    SourceKind.EMERGENCY: 8,
    SourceKind.HOSPITAL: 5,
    SourceKind.EHPAD: 5,
    SourceKind.PHYSIOTHERAPIST: 4,
    SourceKind.MIDWIFE: 3,
    SourceKind.SOCIAL: 2,
}
"""Referrals per ``PER_INHABITANTS`` on an open weekday from 8 to 20 h, by who sends them."""

WEEKDAY_FACTOR = (1.08, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
"""Monday to Sunday: Monday +8 % (FIELD: hourly emergency arrivals, US data)."""

AFTER_HOLIDAY_FACTOR = 1.08
"""The first day after a holiday in the week, which was closed like the day before a Monday."""

HOUR_WEIGHT = {
    8: 1.8, 9: 1.8, 10: 1.2, 11: 1.0, 12: 0.6, 13: 0.6, 14: 0.8, 15: 0.8, 16: 0.8, 17: 0.8,
    18: 1.0, 19: 0.8,
}  # fmt: skip
"""
By local hour, 1 on average: 55 % of GPs see the peak at 8-10 h, 15 % at 18-20 h (URPS/ARS 2019,
FIELD). The heights are our choice.
"""

OTHER_HOUR_WEIGHT = 0.6
"""Weight of an hour outside 8-20 h that a territory opens: as low as noon. Our choice."""

WHOLE_DAY = sum(HOUR_WEIGHT.values())
"""Weight of a weekday from 8 to 20 h, to which the daily rates belong."""

PRIORITY_SHARE = {Priority.ASAP: 12.0, Priority.URGENT: 37.0, Priority.ROUTINE: 51.0}
"""49 % of symptomatic GP appointments are same day (FIELD): 51 % routine; the rest our choice."""

REGULATOR_PRIORITY_SHARE = {
    Priority.STAT: 5.0,
    Priority.ASAP: 20.0,
    Priority.URGENT: 35.0,
    Priority.ROUTINE: 40.0,
}
"""Of sources that the Policy lets say stat; our choice."""

Professions = tuple[Profession, ...]
_DOCTOR: Professions = (Profession.PHYSICIAN,)
_NURSE: Professions = (Profession.NURSE,)
_PHYSIOTHERAPIST: Professions = (Profession.PHYSIOTHERAPIST,)

PROFESSION_SHARE: dict[Professions, float] = {_DOCTOR: 90.0, _NURSE: 6.0, _PHYSIOTHERAPIST: 4.0}
"""Which professions are asked for; our choice (SNP is mainly general practice)."""

PROFESSION_SHARE_OF: dict[SourceKind, dict[Professions, float]] = {
    SourceKind.MIDWIFE: {_DOCTOR: 50, (Profession.MIDWIFE,): 50},
    SourceKind.HOSPITAL: {_DOCTOR: 50, _NURSE: 30, _PHYSIOTHERAPIST: 20},
    SourceKind.SOCIAL: {_DOCTOR: 80, (Profession.PSYCHOLOGIST,): 20},
}
"""The same for senders who ask otherwise; our choice."""

CANCEL_CHANCE = 0.04
"""No source tells cancellations alone: taken to be as many as no-shows. Our choice."""

MISS_CHANCE = 0.04
"""Between 2.6 % of known and 5.4 % of new patients (Doctolib, June 2024, FIELD)."""

BOOKINGS_OF_PRIOR = 400
"""Bookings that these two chances weigh as much as: 4 % of 400 are known to 1 point. Our choice."""
