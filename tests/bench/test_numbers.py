"""How numbers stand in the tables of `fastinit bench`."""

import pytest

from fastinit.bench import figures, table


def test_spread_is_half_the_quartiles_distance():
    assert figures.quartiles([1.0, 2.0, 3.0, 4.0, 5.0]).spread_percent == pytest.approx(100 / 3)
    assert figures.quartiles([2.0, 2.0]).spread_percent == 0
    assert figures.quartiles([2.0]) is None


def test_numbers_keep_three_digits():
    shown = [
        table.number(value)
        for value in (None, 0.0, 0.000123456, 0.00123, 0.012345, 1.23456, 12.3456, 123.456, 12345.6, 0.99999)
    ]
    assert shown == ["", "0", "<0.001", "0.0012", "0.0123", "1.23", "12.3", "123", "12,300", "1.00"]
    assert [table.number(value) for value in (99_900, 99_990, 1.3e5, 99e6, 2.5e8)] == [
        "99,900",
        "100k",
        "130k",
        "99,000k",
        "250M",
    ]
    assert [table.percent(value) for value in (None, 0.04, 1.26, 9.96, 139.5)] == ["", "0.0", "1.3", "10", "140"]
    assert [table.duration(value) for value in (3e-9, 4.567e-5, 0.012, 12.0)] == ["3.00 ns", "45.7 us", "12.0 ms", "12,000 ms"]
