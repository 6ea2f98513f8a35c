"""The reader of a ledger that does not exist yet: nothing was ever applied. It makes no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.ledger.base import Event, Holder, Op, OpenRequest, OpState
from reconciler.ledger.contact_keys import Claimed
from reconciler.model import Binding, Key, Person, Sent
from reconciler.model.trace import Trace


class EmptyReader:
    """LedgerReader of a project before its first apply."""

    lineage = ""
    serial = 0
    key_check = b""
    high_water: tuple[int, str] | None = None

    def bindings(self) -> Mapping[Key, Binding]:
        return {}

    def sent(self, identity: str) -> Iterator[Sent]:
        return iter(())

    def sent_with(self, person: Person) -> Sequence[tuple[Key, str, Sent]]:
        return ()

    def reached(self) -> Sequence[tuple[Key, str]]:
        return ()

    def traces(self, identity: str, after: bytes, limit: int) -> Sequence[Trace]:
        return ()

    def people(self) -> Iterator[Person]:
        return iter(())

    def claims(self, first: Person, last: Person) -> Sequence[Claimed]:
        return ()

    def open_requests(self) -> Sequence[OpenRequest]:
        return ()

    def age(self, request: OpenRequest) -> float:
        return 0.0

    def open_ops(self, request_id: str) -> Sequence[tuple[Op, OpState]]:
        return ()

    def events(self) -> Iterator[Event]:
        return iter(())

    def remembered(self, kind: str) -> Mapping[str, bytes]:
        return {}

    def holder(self) -> Holder | None:
        return None

    def held_since(self) -> str:
        return ""

    def close(self) -> None:
        """Nothing is open."""
