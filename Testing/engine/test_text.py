from COVIDLesionSegLib.engine.text import (
    index_ranges,
    millilitres,
    percent,
    score_text,
    yes_or_no,
)


def test_percentages_never_round_a_lesion_away():
    assert percent(None) == "n/a"
    assert percent(0.0) == "0.0 %"
    assert percent(0.0004) == "< 0.1 %"
    assert percent(0.1234) == "12.3 %"


def test_volumes_are_shown_as_precisely_as_they_are_small():
    shown = [millilitres(volume) for volume in (None, 0.0, 0.004, 0.25, 12.34, 1234.5)]
    assert shown == ["n/a", "0.00", "< 0.01", "0.25", "12.3", "1\u202f234"]


def test_scores_have_three_decimals_and_distances_one():
    assert [score_text(value) for value in (None, 0.0, 0.79279, -0.4, 1.0, 56.48)] == [
        "n/a",
        "0.000",
        "0.793",
        "-0.400",
        "1.000",
        "56.5",
    ]


def test_slices_are_listed_as_ranges():
    assert index_ranges([3, 4, 5, 8, 11, 12]) == "3–5, 8, 11–12"
    assert index_ranges([]) == "none"


def test_an_answer_that_is_not_known_is_not_a_no():
    assert [yes_or_no(answer) for answer in (True, False, None)] == ["yes", "no", "n/a"]
