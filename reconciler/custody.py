"""Who has the ledger and where it is kept: freed from a holder that is gone. No campaign and no vendor."""

from __future__ import annotations

from contextlib import closing

from reconciler.errors import Misuse
from reconciler.ledger import open_ledger, open_reader
from reconciler.ledger.base import Freed, LedgerReader
from reconciler.ledger.empty import EmptyReader
from reconciler.runs import holder_of
from reconciler.setup import Setup


def unlock(setup: Setup, reason: str) -> Freed:
    """Take the lease from whoever holds it: from now on that run can write neither to the ledger nor, within seconds, to a vendor.

    Needs no contact key. Raises Misuse where there is no ledger.
    """
    where = (setup.repository.project.state, str(setup.root), setup.environ, setup.clock)
    with closing(open_reader(*where)) as reader:
        _check_there(reader)
        holder, since = reader.holder(), reader.held_since()
    with closing(open_ledger(*where)) as ledger:
        epoch = ledger.unlock(holder_of(setup.environ), reason)
    return Freed(epoch, holder, since if holder else "")


def _check_there(reader: LedgerReader) -> None:
    if isinstance(reader, EmptyReader):
        raise Misuse("There is no ledger yet: nothing was ever applied here.")
