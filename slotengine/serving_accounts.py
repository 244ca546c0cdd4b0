"""
Writing doors of the national platform: accounts of regulators (INT_R02).

We keep identifiers, whether the account is active, and a keyed hash of its mail address. The whole
resource goes to the host, inside the transaction that keeps the account, and to nobody else.
"""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from slotengine.adapters.sas_regulators import Regulator, read_regulator
from slotengine.adapters.sas_search import Refusal, read_identifier
from slotengine.ports_doors import Account
from slotengine.publishing import Publishing
from slotengine.serving_fhir import answer, body_of, guarded, refused
from slotengine.serving_guard import actor_of
from slotengine.serving_sas import Clock
from slotengine.vault import Pseudonymiser

OnAccount = Callable[[Account, Mapping[str, Any]], None]
"""
A host's: hears of an account with the whole resource, name and mail address included.

Called in the transaction that keeps the account, perhaps again for the same one; what it raises
takes both back. It must not call the engine, which is writing.
"""

MAIL_SCOPE = ("sas", "mail")
"""The hash space of regulators' mail addresses: never met by a patient's."""

_CREATED, _OK = 201, 200
_TAKEN = Refusal("duplicate", "Practitioner", "its mail address or identifier has an account")


class Accounts:
    """The writing doors over one engine."""

    def __init__(
        self,
        engine: Publishing,
        *,
        now: Clock,
        pseudonyms: Pseudonymiser,
        base: Callable[[Request], str],
        on_account: OnAccount | None,
    ) -> None:
        self._engine = engine
        self._now = now
        self._pseudonyms = pseudonyms
        self._base = base
        self._on_account = on_account

    async def endpoint(self, request: Request) -> Response:
        """Answers ``POST /Practitioner`` and ``PUT /Practitioner?identifier=system|value``."""
        work = self._created if request.method == "POST" else self._updated

        async def done() -> Response:
            resource = await body_of(request)
            return await run_in_threadpool(work, request, resource)

        return await guarded(request, done)

    def _created(self, request: Request, resource: Any) -> Response:  # noqa: ANN401 (JSON)
        read = read_regulator(resource)
        if isinstance(read, Refusal):
            return refused(read)
        made = self._engine.open_account(
            self._account(read),
            now=self._now(),
            actor=actor_of(request.scope),
            told=self._told(resource),
        )
        return refused(_TAKEN) if made is None else self._kept(request, made, _CREATED)

    def _updated(self, request: Request, resource: Any) -> Response:  # noqa: ANN401 (JSON)
        identifier = read_identifier(request.scope["query_string"])
        if isinstance(identifier, Refusal):
            return refused(identifier)
        read = read_regulator(resource)
        if isinstance(read, Refusal):
            return refused(read)
        put = self._engine.put_account(
            *identifier,
            self._account(read),
            now=self._now(),
            actor=actor_of(request.scope),
            told=self._told(resource),
        )
        if put is None:
            return refused(_TAKEN)
        account, is_new = put
        return self._kept(request, account, _CREATED if is_new else _OK)

    def _account(self, read: Regulator) -> Account:
        return Account(
            id="new",
            active=read.active,
            identifiers=read.identifiers,
            mail_hash=self._pseudonyms.of_local_id(MAIL_SCOPE, read.mail),
        )

    def _told(self, resource: Mapping[str, Any]) -> Callable[[Account], None] | None:
        tell = self._on_account
        return None if tell is None else lambda account: tell(account, resource)

    def _kept(self, request: Request, account: Account, status: int) -> Response:
        where = f"{self._base(request)}/Practitioner/{account.id}"
        return answer(None, status=status, headers={"location": where})
