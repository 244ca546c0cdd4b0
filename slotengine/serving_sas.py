"""
Reading doors of the national platform: free slots of practitioners, of a centre, and metadata.

What is left out of an answer, for want of an address or a URL, is counted and logged by ids.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from slotengine.adapters.sas_bundle import Shown, slots_bundle
from slotengine.adapters.sas_metadata import capabilities
from slotengine.adapters.sas_search import Refusal, read_schedule_search, read_slot_search
from slotengine.adapters.sas_sos import schedules_bundle
from slotengine.availability import Availability
from slotengine.publishing import Publishing
from slotengine.serving_fhir import accepted, answer, answer_written, refused
from slotengine.serving_guard import path_of

MAX_REMEMBERED = 10_000
"""Slots that are remembered as left out, so that each is logged once. Our choice."""

_log = logging.getLogger("slotengine.serving")

Clock = Callable[[], datetime]


def base_of(public_url: str | None) -> Callable[[Request], str]:
    """Gives what tells where the server is seen, without a slash at its end."""
    known = None if public_url is None else public_url.rstrip("/")

    def base(request: Request) -> str:
        root = request.scope.get("root_path", "").rstrip("/")
        return known or f"{request.url.scheme}://{request.url.netloc}{root}"

    return base


class Gaps:
    """What could not be shown since the server began: each slot once, with what it lacks."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, str] = {}

    def note(self, shown: Shown) -> None:
        """Forgets slots that are shown, remembers those left out, and logs what is new."""
        fresh = []
        with self._lock:
            for id_ in shown.slots:
                self._known.pop(id_, None)
            for one in shown.left_out:
                if self._known.get(one.slot) == one.lacks:
                    continue
                if len(self._known) < MAX_REMEMBERED or one.slot in self._known:
                    self._known[one.slot] = one.lacks
                    fresh.append(one)
        for one in fresh:
            _log.warning("slot %s is not shown: %s is missing", one.slot, one.lacks)

    def counts(self) -> dict[str, int]:
        """Gives how many slots lack what."""
        with self._lock:
            return dict(sorted(Counter(self._known.values()).items()))


class Doors:
    """
    The reading doors over one engine.

    Parameters
    ----------
    zone
        In which a day without an hour is understood.
    public_url
        Where the server is seen from outside, where a proxy hides it. Default the request's own.
    """

    def __init__(
        self, engine: Publishing, *, now: Clock, zone: ZoneInfo, public_url: str | None
    ) -> None:
        self._engine = engine
        self._now = now
        self._zone = zone
        self.base = base_of(public_url)
        self.gaps = Gaps()

    def slots(self, request: Request) -> Response:
        """Answers ``GET /Slot``."""
        search = read_slot_search(request.scope["query_string"], self._zone)
        if isinstance(search, Refusal):
            return refused(search)
        found = (
            Availability()
            if search.window is None
            else self._engine.availability(search.ids, search.window, now=self._now())
        )
        shown = slots_bundle(
            found,
            base=self.base(request),
            link=self._link(request),
            schedules=search.schedules,
            actors=search.actors,
            services=search.services,
        )
        return self._answered(request, shown)

    def schedules(self, request: Request) -> Response:
        """Answers ``GET /Schedule``."""
        search = read_schedule_search(request.scope["query_string"], self._zone)
        if isinstance(search, Refusal):
            return refused(search)
        found = (
            Availability()
            if search.window is None
            else self._engine.availability_at(search.ids, search.window, now=self._now())
        )
        shown = schedules_bundle(found, base=self.base(request), link=self._link(request))
        return self._answered(request, shown)

    def metadata(self, request: Request) -> Response:
        """Answers ``GET /metadata``."""
        return answer(capabilities(self.base(request)), kind=accepted(request))

    def _link(self, request: Request) -> str:
        """Gives the request as it came: the platform compares the query, sign by sign."""
        query = request.scope["query_string"].decode("latin-1")
        return f"{self.base(request)}{path_of(request.scope)}?{query}"

    def _answered(self, request: Request, shown: Shown) -> Response:
        self.gaps.note(shown)
        return answer_written(shown.body, accepted(request))
