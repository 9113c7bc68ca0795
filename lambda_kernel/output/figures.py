"""Figures in tables and sentences."""

UNKNOWN = "-"


def number(value: float | None) -> str:
    """At most two digits after the point."""
    return UNKNOWN if value is None else f"{value:,.2f}".removesuffix("0").removesuffix("0").removesuffix(".")


def plural(count: int, what: str) -> str:
    """Such as `1 run`, `1,000 runs`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Such as `45 s`, `1 min 30 s`, `2 h 5 min`."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = [(hours, "h"), (minutes, "min"), (rest if not hours else 0, "s")]
    return " ".join(f"{number:,} {unit}" for number, unit in parts if number) or "0 s"
