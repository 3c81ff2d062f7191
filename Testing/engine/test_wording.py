from COVIDLesionSegLib.engine.wording import millilitres, percent


def test_percentages_never_round_a_lesion_away():
    assert percent(None) == "n/a"
    assert percent(0.0) == "0.0 %"
    assert percent(0.0004) == "< 0.1 %"
    assert percent(0.1234) == "12.3 %"


def test_volumes_are_shown_as_precisely_as_they_are_small():
    shown = [millilitres(volume) for volume in (None, 0.0, 0.004, 0.25, 12.34, 1234.5)]
    assert shown == ["n/a", "0.00", "< 0.01", "0.25", "12.3", "1\u202f234"]
