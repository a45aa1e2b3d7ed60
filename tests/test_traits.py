"""What values are: dates in the shapes that people write, numbers with a point or a comma, ids and missing values."""

import random
from datetime import datetime

import pytest

from recsys_duck.traits import Times, are_digits, missing_spellings, numbers_of, plain_id, present, times_of

FORMATS = (
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d-%m-%Y",
    "%d.%m.%y",
    "%Y%m%d",
    "%Y.%m.%d",
    "%d-%b-%Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y, %I:%M:%S %p",
    "%a %b %d %H:%M:%S %z %Y",
    "%d/%m/%Y %H:%M:%S.%f",
)


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_is_told_from_its_values(form: str) -> None:
    drawn = random.Random(form)
    months = [month for month in range(1, 13) if month != 5]  # May is short and long
    moments = [datetime(2020, drawn.choice(months), drawn.randint(1, 28), 13, drawn.randint(0, 59)) for _ in range(60)]
    texts = [moment.astimezone().strftime(form) for moment in moments]
    told = times_of(texts)
    assert told is not None
    # another format may read the same texts: it must read them as the same moments
    for text in texts:
        assert datetime.strptime(text, told.formats[0]) == datetime.strptime(text, form)
    assert (len(told.formats), told.other, told.unit) == (1, (), "")


def test_two_shapes_give_two_formats_of_one_order() -> None:
    told = times_of(["01/02/2024 10:00", "25/02/2024", "03/02/2024 11:30"])
    assert told == Times(formats=("%d/%m/%Y %H:%M", "%d/%m/%Y"))


@pytest.mark.parametrize(
    ("values", "hint", "formats", "other"),
    [
        (["01/02/2024"], False, ("%m/%d/%Y",), ("%d/%m/%Y",)),
        (["01/02/2024"], True, ("%d/%m/%Y",), ("%m/%d/%Y",)),
        (["01.02.2024"], False, ("%d.%m.%Y",), ("%m.%d.%Y",)),
        (["01/02/2024", "02/13/2024"], True, ("%m/%d/%Y",), ()),
    ],
)
def test_days_and_months_are_told_apart_by_a_value_above_12_else_it_is_said_that_nothing_tells(
    values: list[str], hint: bool, formats: tuple[str, ...], other: tuple[str, ...]
) -> None:
    assert times_of(values, day_first=hint) == Times(formats=formats, other=other)


@pytest.mark.parametrize(
    "value",
    ["2024-01-02", "2024-01-02 10:00", "2024-01-02T10:00:00.123Z", "2024/1/2 10:00:00", "2024-01-02 10:00:00+02:00"],
)
def test_iso_needs_no_format(value: str) -> None:
    assert times_of([value]) == Times()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_size_of_numbers_tells_their_unit(unit: str) -> None:
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    assert times_of([str(int(datetime(year, 5, 1).timestamp()) * factor) for year in (1999, 2012, 2030)]) == Times(
        unit=unit
    )


@pytest.mark.parametrize(
    "values", [["196", "242"], ["Toy Story (1995)"], ["10:30"], ["99/99/2024"], ["31/31/2024"], []]
)
def test_what_is_no_time_is_none(values: list[str]) -> None:
    assert times_of(values) is None


def test_some_bad_values_hide_nothing() -> None:
    assert times_of(["01.12.2024"] * 9 + ["soon"]) == Times(formats=("%d.%m.%Y",), other=("%m.%d.%Y",))
    numbers = numbers_of(["1,5"] * 9 + ["x"])
    assert numbers is not None
    assert numbers.decimal == ","


@pytest.mark.parametrize(
    ("values", "decimal", "is_whole", "n_negative"),
    [
        (["1", "2"], ".", True, 0),
        (["1.0", "-2"], ".", True, 1),
        (["1.5", "1e3"], ".", False, 0),
        (["1,5", "2"], ",", False, 0),
        (["1,0", "-1,0"], ",", True, 1),
        (["1.234,50", "-3,00"], ",", False, 1),
        (["1,250", "2", "-1,000,000"], "", True, 1),  # thousands, or three decimals: nothing tells
        (["1,250", "0,500"], ",", False, 0),
    ],
)
def test_numbers_tell_their_decimal_sign(values: list[str], decimal: str, is_whole: bool, n_negative: int) -> None:
    told = numbers_of(values)
    assert told is not None
    assert (told.decimal, told.is_whole, told.n_negative) == (decimal, is_whole, n_negative)


def test_three_digits_behind_a_comma_are_decimals_where_semicolons_split_the_fields() -> None:
    told = numbers_of(["1,250", "2,000"], has_commas=True)
    assert told is not None
    assert (told.decimal, told.is_whole) == (",", False)


def test_ids_are_the_same_however_whole_numbers_are_written() -> None:
    assert {plain_id(one) for one in ("16", "00016", "16.0", "+16")} == {"16"}
    assert [plain_id(one) for one in ("A16", "-05", "0", "1.5", "")] == ["A16", "-5", "0", "1.5", ""]
    assert are_digits(["00016", "16.0"])
    assert not are_digits(["A1"])


def test_spellings_of_missing_are_found_and_left_out() -> None:
    assert missing_spellings(["1", "NULL", r"\N", "NULL", ""]) == ["NULL", r"\N"]
    assert present(["1", "NULL", "", "nan"]) == ["1"]
