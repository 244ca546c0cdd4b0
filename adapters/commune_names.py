"""How people write the names of communes, made comparable."""

import re

from slotengine.adapters.fields import plain

_ARTICLES = frozenset({"le", "la", "les", "l"})
_SPELT = {"st": "saint", "ste": "sainte", "sts": "saints", "stes": "saintes", "s": "sur",
          "ss": "sous", "lez": "les"}  # fmt: skip
"""Abbreviations of the post, and two spellings of "near"."""

_CEDEX = re.compile(r"\bcedex\b.*")
_ASIDE = re.compile(r"\([^)]*\)")
_DISTRICT = re.compile(
    r"(paris|lyon|marseille) 0?([1-9][0-9]?) ?(?:er|e|eme|ieme)?(?: arr(?:ondissement)?)?"
)
DISTRICTS = {
    "75056": ("paris", "75100", 20),
    "69123": ("lyon", "69380", 9),
    "13055": ("marseille", "13200", 16),
}
"""INSEE code of a city to its name, the code before that of its first arrondissement, and how many
it has (INSEE, code officiel géographique)."""

_OTHER_POSTCODES = {"75116": "75116"}
"""The 16th arrondissement of Paris has two postcodes; this one looks like its INSEE code."""

POSTCODE_DIGITS = 5


def bare(name: str) -> str:
    """
    Gives a commune's name without accents, case, hyphens, articles at its ends, and CEDEX.

    Examples
    --------
    >>> bare("St-Aubin du Cormier"), bare("GIEN CEDEX 1"), bare("Chapelle s/ Erdre (La)")
    ('saint aubin du cormier', 'gien', 'chapelle sur erdre')
    """
    words = [_SPELT.get(word, word) for word in _CEDEX.sub("", plain(name)).split()]
    while len(words) > 1 and words[0] in _ARTICLES:
        del words[0]
    while len(words) > 1 and words[-1] in _ARTICLES:
        del words[-1]
    return " ".join(words)


def names_of(name: str) -> tuple[str, ...]:
    """
    Gives what an official name may be written as: with and without what stands in brackets.

    Examples
    --------
    >>> names_of("Castillon (Canton de Lembeye)")
    ('castillon canton de lembeye', 'castillon')
    """
    return tuple(dict.fromkeys((bare(name), bare(_ASIDE.sub(" ", name)))))


def district(name: str) -> tuple[str, int] | None:
    """
    Gives city and number of an arrondissement written after a city's name.

    Examples
    --------
    >>> district("Paris 11e"), district("LYON 3EME ARRONDISSEMENT"), district("Paris")
    (('paris', 11), ('lyon', 3), None)
    """
    found = _DISTRICT.fullmatch(bare(name))
    return None if found is None else (found[1], int(found[2]))


def district_code(city: str, number: int) -> str | None:
    """
    Gives the INSEE code of a city's arrondissement, or None where it has none of that number.

    Examples
    --------
    >>> district_code("75056", 11), district_code("69123", 10), district_code("45155", 1)
    ('75111', None, None)
    """
    known = DISTRICTS.get(city)
    if known is None or not 1 <= number <= known[2]:
        return None
    return str(int(known[1]) + number)


def district_of_postcode(city: str, postcode: str) -> str | None:
    """
    Gives the INSEE code of the arrondissement that a postcode belongs to.

    Examples
    --------
    >>> district_of_postcode("75056", "75011"), district_of_postcode("75056", "75116")
    ('75111', '75116')
    """
    known = DISTRICTS.get(city)
    if known is None or postcode[:2] != city[:2]:
        return None
    return _OTHER_POSTCODES.get(postcode) or district_code(city, int(postcode[2:]))


def city_of_district(code: str) -> str | None:
    """
    Gives the INSEE code of the city that an arrondissement belongs to.

    Examples
    --------
    >>> city_of_district("13208"), city_of_district("13055")
    ('13055', None)
    """
    if not code.isdigit():
        return None
    for city, (_, before, count) in DISTRICTS.items():
        if 0 < int(code) - int(before) <= count:
            return city
    return None
