"""
Who is expected: shares of senders, priorities, professions and communes, as one list of kinds.

Shares are means of Dirichlet posteriors. A sender asks for professions and for priorities in its
own way; where people live is taken not to depend on either.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import cos, hypot, radians
from typing import NamedTuple, TypeVar

from slotengine import learning_priors as priors
from slotengine.codes import Priority, SourceKind
from slotengine.domain import Location
from slotengine.forecast import Arrival, Kind
from slotengine.policy import Policy

MOST_PROFILES = 120
"""
Senders with professions and priority that are told apart. The priors have 81; what senders ask for
beyond joins their largest of the same priority.
"""

MOST_KINDS = 1_500
"""
Kinds that are told apart: 81 profiles in 18 communes, and one learns and samples in milliseconds.
Beyond, the rarest join the nearest commune that keeps their profile: what they ask for is kept.
"""


class Profile(NamedTuple):
    """What the rules read of who is expected, but for the place."""

    source: SourceKind
    professions: priors.Professions
    priority: Priority


def kinds_of(policy: Policy, came: Sequence[Arrival], *, made_up: float) -> tuple[Kind, ...]:
    """
    Gives the kinds of referrals that are expected, in an order that does not depend on shares.

    Parameters
    ----------
    policy
        The communes with their inhabitants, and who may say stat.
    came
        What was seen.
    made_up
        How many arrivals the priors weigh as much as. With 0 and nothing seen there is no kind.
    """
    if made_up + len(came) == 0:
        return ()
    profiles = _bounded_profiles(_profiles(policy, came, made_up))
    communes = _communes(policy, came, made_up)
    shares = {
        (profile, insee): one * other
        for profile, one in profiles.items()
        for insee, other in communes.items()
    }
    kept = _bounded(policy, shares)
    total = sum(kept.values())
    return tuple(
        Kind(
            source=profile.source,
            priority=profile.priority,
            professions=profile.professions,
            insee=insee,
            share=share / total,
        )
        for (profile, insee), share in sorted(kept.items(), key=lambda one: _order(*one[0]))
    )


def _profiles(policy: Policy, came: Sequence[Arrival], made_up: float) -> dict[Profile, float]:
    asked = Counter((arrival.source, arrival.professions) for arrival in came)
    graded = Counter((arrival.source, arrival.priority) for arrival in came)
    by_source = Counter(arrival.source for arrival in came)
    rates = _shares(priors.DAILY_RATE)
    found: dict[Profile, float] = {}
    for source, part in rates.items():
        weight = made_up * part
        wishes = _shares(priors.PROFESSION_SHARE_OF.get(source, priors.PROFESSION_SHARE))
        seen = {wish for one, wish in asked if one is source}
        regulator = source in policy.stat_sources
        urgency = _shares(priors.REGULATOR_PRIORITY_SHARE if regulator else priors.PRIORITY_SHARE)
        for wish in sorted(wishes.keys() | seen):
            among_all = weight * wishes.get(wish, 0.0) + asked[source, wish]
            for priority in Priority:
                among = weight * urgency.get(priority, 0.0) + graded[source, priority]
                if among_all > 0 and among > 0:
                    share = among_all / (made_up + len(came)) * among / (weight + by_source[source])
                    found[Profile(source, wish, priority)] = share
    return found


def _communes(policy: Policy, came: Sequence[Arrival], made_up: float) -> dict[str | None, float]:
    """Gives the share of each commune; an arrival that names none says nothing about it."""
    seen: Counter[str | None] = Counter(one.insee for one in came if one.insee is not None)
    if not policy.communes:
        return _shares(seen) if seen else {None: 1.0}
    lives: dict[str | None, float] = {one.insee: one.inhabitants for one in policy.communes}
    lives = _shares(lives)
    # Who comes from elsewhere is expected like the others: nobody listed says where that is.
    total = made_up + sum(seen[insee] for insee in lives)
    return {insee: (made_up * share + seen[insee]) / total for insee, share in lives.items()}


def _bounded_profiles(shares: dict[Profile, float]) -> dict[Profile, float]:
    by_share = sorted(shares, key=lambda one: (-shares[one], _order(one, None)))
    heads: dict[tuple[SourceKind, Priority], Profile] = {}
    for profile in by_share:
        heads.setdefault((profile.source, profile.priority), profile)
    largest = set(heads.values())
    others = [one for one in by_share if one not in largest]
    kept = largest.union(others[: max(0, MOST_PROFILES - len(largest))])
    found: dict[Profile, float] = defaultdict(float)
    for profile in by_share:
        into = profile if profile in kept else heads[profile.source, profile.priority]
        found[into] += shares[profile]
    return dict(found)


def _bounded(
    policy: Policy, shares: dict[tuple[Profile, str | None], float]
) -> dict[tuple[Profile, str | None], float]:
    if len(shares) <= MOST_KINDS:
        return shares
    by_share = sorted(shares, key=lambda one: (-shares[one], _order(*one)))
    homes: dict[Profile, list[str | None]] = {}
    rest = []
    for profile, insee in by_share:
        if profile not in homes:
            homes[profile] = [insee]
        else:
            rest.append((profile, insee))
    for profile, insee in rest[: max(0, MOST_KINDS - len(homes))]:
        homes[profile].append(insee)
    places = {one.insee: one.location for one in policy.communes}
    found: dict[tuple[Profile, str | None], float] = defaultdict(float)
    for profile, insee in by_share:
        found[profile, _nearest(places, insee, homes[profile])] += shares[profile, insee]
    return dict(found)


def _nearest(
    places: Mapping[str, Location], insee: str | None, kept: Sequence[str | None]
) -> str | None:
    """Gives the kept commune nearest to one; where no place is known, the one of most arrivals."""
    here = places.get(insee or "")
    if insee in kept or here is None:
        return insee if insee in kept else kept[0]
    return min(kept, key=lambda one: (_apart(here, places.get(one or "")), one or ""))


def _apart(here: Location, there: Location | None) -> float:
    """Gives degrees of latitude between two places, on a flat map: good enough to compare."""
    if there is None:
        return float("inf")
    return hypot(here.lat - there.lat, (here.lon - there.lon) * cos(radians(here.lat)))


def _order(profile: Profile, insee: str | None) -> tuple[str, ...]:
    return (profile.source, profile.priority, *profile.professions, insee or "")


_Key = TypeVar("_Key")


def _shares(weights: Mapping[_Key, float]) -> dict[_Key, float]:
    total = sum(weights.values())
    return {key: weight / total for key, weight in weights.items()}
