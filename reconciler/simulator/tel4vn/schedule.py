"""The weekly windows of a simulated TEL4VN campaign: fourteen integers, nanoseconds after local midnight."""

from datetime import datetime, time, timedelta

from reconciler.simulator.vendor import Fields

from .account import FieldErrors, json_type

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOUR = 3_600_000_000_000

WEEK: Fields = {f"{day}_{edge}_time": hour * HOUR for day in DAYS for edge, hour in (("start", 8), ("end", 21))}
"""08:00 to 21:00 every day, as in every sample."""


def row_errors(row: Fields, closed_day: bool, inverted_window: bool) -> FieldErrors:
    """What the vendor has against one row of `schedules`; the flags say whether it takes such a day."""
    errors: FieldErrors = []
    for day in DAYS:
        start, end = (row.get(f"{day}_{edge}_time", 0) for edge in ("start", "end"))
        wrong = [value for value in (start, end) if type(value) is not int]
        if wrong:
            errors.append({"schedules": f"Invalid type. Expected: integer, given: {json_type(wrong[0])}"})
        elif start == end == 0 and not closed_day:
            errors.append({"schedules": f"{day}_start_time is required"})
        elif end < start and not inverted_window:
            errors.append({"schedules": f"{day}_end_time must be greater than {day}_start_time"})
    return errors


def opened_between(rows: list[Fields], since: datetime, until: datetime, zone: str) -> bool:
    """Whether a window starts after `since` and not after `until`; `zone` such as +07:00."""
    tenant = datetime.fromisoformat(f"2000-01-01T00:00{zone}").tzinfo
    first = since.astimezone(tenant).date()
    for ahead in range(8):
        day = first + timedelta(days=ahead)
        midnight = datetime.combine(day, time(), tenant)
        for row in rows:
            start, end = (row.get(f"{DAYS[day.weekday()]}_{edge}_time", 0) for edge in ("start", "end"))
            if end > start and since < midnight + timedelta(microseconds=start // 1000) <= until:
                return True
    return False
