"""Numbers as people write them: 67108864, 2**26, 64Mi, 1e8, 4.5GiB."""

from __future__ import annotations

import re
from fractions import Fraction

_POWER = re.compile(r"([0-9]{1,5})(?:\*\*|\^)([0-9]{1,3})")
_NUMBER = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,18})?)(?:[eE]\+?([0-9]{1,2}))?\s*(?:([KMGT])(I?))?", re.IGNORECASE)


def quantity(text: str) -> Fraction | None:
    """Read a number that is not negative, exactly; None if the text is no number.

    It is written in digits, as a power ("2**26", "2^26"), with an exponent ("1e8"), or with a unit: K, M, G, T are powers of
    1000, and Ki, Mi, Gi, Ti powers of 1024, in upper or lower case.

    >>> from fastinit.arguments.quantities import quantity
    >>> [int(quantity(text)) for text in ("67108864", "2**26", "64Mi", "1e8", "1.5Ki")]
    [67108864, 67108864, 67108864, 100000000, 1536]
    """
    text = text.strip()
    if power := _POWER.fullmatch(text):
        return Fraction(int(power[1]) ** int(power[2]))
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    number, exponent, unit, binary = match.groups()
    steps = "KMGT".index(unit.upper()) + 1 if unit else 0
    return Fraction(number) * Fraction(10) ** int(exponent or 0) * Fraction(1024 if binary else 1000) ** steps


def whole(text: str) -> int | None:
    """A count: as `quantity`, but None for a number with a fraction."""
    number = quantity(text)
    return None if number is None or number.denominator > 1 else int(number)


def byte_size(text: str) -> int | None:
    """A number of bytes, rounded down: as `quantity`, with or without a B behind it ("5GB", "64MiB")."""
    number = quantity(re.sub("[bB]\\s*$", "", text))
    return None if number is None else int(number)
