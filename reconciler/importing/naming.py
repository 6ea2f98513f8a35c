"""Names for what is written down: of campaigns after their display names, of schedules and recall policies after what they say.

Letters are brought to ASCII by Unicode's own decomposition and a table of those that have none in the vendors' countries; a library of
all scripts would be one more dependency for nothing that anybody calls in.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any, Final

from reconciler.model import WEEKDAYS, Json
from reconciler.redact import mask

_LONGEST: Final = 63
_LETTERS: Final = str.maketrans(
    {
        **dict(zip("абвгдезийклмнопрстуфхыэ", "abvgdezijklmnoprstufhye", strict=True)),
        **{"ё": "yo", "ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": "", "ю": "yu", "я": "ya"},
        **{"і": "i", "ї": "yi", "є": "ye", "ґ": "g", "ў": "u"},
        **{"ł": "l", "đ": "d", "ø": "o", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i"},
    }
)


def slug(text: str) -> str:
    """`Odnowienia ŁÓDŹ` -> `odnowienia-lodz`; empty where no letter or digit is left. Holds no number of anybody."""
    composed = unicodedata.normalize("NFC", mask(text)).lower().translate(_LETTERS)  # before й falls apart into и
    plain = unicodedata.normalize("NFKD", composed).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-")
    return made if mask(made) == made else re.sub(r"\d", "", made).strip("-")


def free(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or with the first number behind it that makes a name nobody has."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted[: _LONGEST - len(str(number)) - 1].rstrip('-')}-{number}"
    return name


def of_campaign(display: str, vendor_id: str) -> str:
    """Where nothing is left of the display name, a name that its id gives and that says so."""
    return slug(display) or f"campaign-{_letters(vendor_id)}"


def of_schedule(timezone: str, windows: list[dict[str, Json]]) -> str:
    """`mon-fri-0830-to-1700-asia-ho-chi-minh`; a week too long to be told so is numbered by its content."""
    spans = [f"{_days(window['days'])}-{window['from']}-to-{window['to']}".replace(":", "") for window in windows]
    said = re.sub(r"[^a-z0-9]+", "-", "-".join([*spans, timezone]).lower()).strip("-")
    return said if len(said) <= _LONGEST else f"hours-{_letters(repr(windows))}"


def _days(days: Any) -> str:
    numbers = [WEEKDAYS.index(day) for day in days]
    if len(numbers) == len(WEEKDAYS):
        return "daily"
    in_a_row = len(numbers) > 1 and numbers[-1] - numbers[0] == len(numbers) - 1
    return f"{days[0]}-{days[-1]}" if in_a_row else "-".join(days)


def of_recall(policy: Mapping[str, Json]) -> str:
    """`4-attempts-after-30m`, `once`."""
    attempts = policy.get("maxAttempts")
    if attempts == 1:
        return "once"
    said = [f"{attempts}-attempts"] if attempts else ["recall"]
    return "-".join([*said, *([f"after-{policy['after']}"] if "after" in policy else [])])


def _letters(text: str) -> str:
    """Eight letters for a text; digits in a row would be taken for a number."""
    return hashlib.sha256(text.encode()).hexdigest()[:8].translate(str.maketrans("0123456789", "ghijklmnop"))
