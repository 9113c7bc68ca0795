"""Figures in tables."""

UNKNOWN = "-"


def number(value: float | None) -> str:
    """At most two digits after the point."""
    return UNKNOWN if value is None else f"{value:,.2f}".removesuffix("0").removesuffix("0").removesuffix(".")
