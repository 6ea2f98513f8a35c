"""What the two Polish vendors take a phone number to be. No other country's rules."""

import re


def e164(number: str) -> str:
    """`333444555`, `48333444555`, `+48 333 444 555` and `0048333444555` are all `+48333444555`."""
    digits = re.sub(r"\D", "", number)
    if number.strip().startswith("+"):
        return f"+{digits}"
    digits = digits.removeprefix("00")
    return f"+48{digits}" if len(digits) == 9 else f"+{digits}"
