"""Every failure a user can meet, as one tree. Each class knows its exit code (cli contract) and says what to do next.

ReconcilerError                    1
├── Misuse                        64   wrong use of the command line
├── ConfigInvalid                  3   all problems at once, each with file:line:column
├── Blocked                        4   a guard or a policy says no
├── PlanStale                      5   something moved since the plan was made
├── ReadIncomplete                 6   a connection could not be read to a proven end
├── LockHeld                       7   another run holds the lease
├── LedgerError                    1   the ledger is gone, full, foreign or newer
│   ├── WrongContactKey            4
│   ├── ThrowAwayLedger            4
│   ├── NotThisLedger              4   another project's, moved away, or a copy that was never finished
│   └── LeaseLost                  1   another run took over: this one writes nothing more
├── ForgeError                     1   GitHub or GitLab did not do what it was asked
│   └── ForgeUnknown                   it may or may not have done it: looked for before it is asked again
└── VendorError                    1   one call to a vendor went wrong
    ├── NotSent                        proved: no byte of the request left; may be sent again
    ├── RateLimited                    429; not executed only where the vendor confirmed it
    ├── Rejected                       decided by the vendor before execution
    │   ├── Unauthorized               log in again, then claim again
    │   ├── Forbidden
    │   └── NotFound
    └── OutcomeUnknown                 the vendor may or may not have done it: never repeated blindly
        └── UnexpectedReply            2xx, but not what the vendor documents
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class ReconcilerError(Exception):
    """Base of all. `str(error)` is the whole message for a user; it never holds a number, a name or a secret."""

    exit_code: ClassVar[int] = 1


class Misuse(ReconcilerError):
    exit_code = 64


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in the declaration. `line` and `column` count from 1; 0 means the whole file."""

    file: str
    line: int
    column: int
    message: str
    rule: str = "invalid"  # short id for SARIF and for tests: unknown-key, reference, capability, ...

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{place}  {self.message}"


class ConfigInvalid(ReconcilerError):
    exit_code = 3

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        count = len(self.problems)
        lines = [str(problem) for problem in self.problems]
        lines.append(f"{count} error{'s' if count != 1 else ''}. Nothing was sent.")
        super().__init__("\n".join(lines))


class Blocked(ReconcilerError):
    exit_code = 4


class PlanStale(ReconcilerError):
    exit_code = 5


class ReadIncomplete(ReconcilerError):
    exit_code = 6


class LockHeld(ReconcilerError):
    exit_code = 7


class LedgerError(ReconcilerError):
    pass


class WrongContactKey(LedgerError):
    exit_code = 4


class ThrowAwayLedger(LedgerError):
    exit_code = 4


class NotThisLedger(LedgerError):
    exit_code = 4


class LeaseLost(LedgerError):
    pass


class ForgeError(ReconcilerError):
    pass


class ForgeUnknown(ForgeError):
    pass


class VendorError(ReconcilerError):
    """One call that went wrong.

    `call` is method and URL template, never the URL; `said` is already masked and capped.
    """

    def __init__(self, connection: str, call: str, said: str, status: int = 0) -> None:
        self.connection, self.call, self.said, self.status = connection, call, said, status
        answer = f"answered {status}: {said}" if status else said
        super().__init__(f"{connection}: {call}: {answer}")


class NotSent(VendorError):
    pass


class RateLimited(VendorError):
    def __init__(self, connection: str, call: str, said: str, retry_after: float | None) -> None:
        """`retry_after`: seconds the vendor asked for; None where it did not say."""
        self.retry_after = retry_after
        super().__init__(connection, call, said, 429)


class Rejected(VendorError):
    pass


class Unauthorized(Rejected):
    pass


class Forbidden(Rejected):
    pass


class NotFound(Rejected):
    pass


class OutcomeUnknown(VendorError):
    pass


class UnexpectedReply(OutcomeUnknown):
    pass
