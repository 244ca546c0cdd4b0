"""Phone numbers as people and directories write them, to E.164."""

import re

_NOT_DIALLED = re.compile(r"[\s.\-/()\u00a0\u202f]")
_NATIONAL = re.compile(r"0?([1-9][0-9]{8})")
_WORLD = re.compile(r"\+[1-9][0-9]{6,14}")

DIALLING: dict[str, str] = {
    "262": "+262",
    "269": "+262",
    "639": "+262",
    "692": "+262",
    "693": "+262",
    "590": "+590",
    "690": "+590",
    "691": "+590",
    "594": "+594",
    "694": "+594",
    "596": "+596",
    "696": "+596",
    "697": "+596",
}
"""First three national digits of overseas numbers to their code (ARCEP numbering plan)."""


def phone_of(text: str) -> str | None:
    """
    Gives a number as ``+33XXXXXXXXX``, or None for what is none.

    A number without its leading zero has lost it in a spreadsheet.

    Examples
    --------
    >>> phone_of("01 39 59 92 80"), phone_of("0033 1.39.59.92.80"), phone_of("+33 (0)139599280")
    ('+33139599280', '+33139599280', '+33139599280')
    >>> phone_of("0262 12 34 56"), phone_of("+32 2 555 12 12"), phone_of("15")
    ('+262262123456', '+3225551212', None)
    """
    bare = _NOT_DIALLED.sub("", text.replace("(0)", ""))
    bare = "+" + bare[2:] if bare.startswith("00") else bare
    if bare.startswith("+33"):
        bare = "0" + bare[3:].lstrip("0")
    if bare.startswith("+"):
        return bare if _WORLD.fullmatch(bare) else None
    found = _NATIONAL.fullmatch(bare)
    if found is None:
        return None
    return DIALLING.get(found[1][:3], "+33") + found[1]
