"""Tables: every fault is named by file, row and column, and no cell is a formula."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.data.tables import read_table, table_bytes
from COVIDLesionSegLib.engine.errors import InputError

CELLS = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=8)
STARTS = st.sampled_from(["", "=", "+", "-", "@", "'", "'=", "''+", "\ufeff"])


@pytest.fixture
def table(tmp_path):
    def write(content):
        path = tmp_path / "cts.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path)

    return write


@given(st.lists(st.tuples(STARTS, CELLS).map("".join), min_size=1, max_size=4))
def test_text_comes_back_and_is_no_formula(tmp_path_factory, cells):
    header = [f"c{number}" for number in range(len(cells))]
    data = table_bytes(header, [[f"x{cell}" if cell == "" else cell for cell in cells]])
    (written,) = list(csv.reader(io.StringIO(data.decode(), newline="")))[1:]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in written)
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_bytes(data)
    (row,) = read_table(path).rows
    assert list(row.cells.values()) == [cell or "x" for cell in cells]


def test_a_formula_gets_an_apostrophe_and_a_number_none():
    data = table_bytes(["patient", "dice"], [["=cmd|' /C calc'!A0", -0.5], [None, 3]])
    assert data == b"patient,dice\r\n'=cmd|' /C calc'!A0,-0.5\r\n,3\r\n"


@pytest.mark.parametrize(
    "text", ["a\x1b[31mb", "a\x00b", "a\nb", "a\u202eb", "a\ud800b", "a\u2028b"]
)
def test_control_characters_are_not_written(text):
    assert table_bytes([text], []).decode() == "a\ufffd" + text[2:] + "\r\n"


def test_semicolons_separate_where_the_header_holds_no_comma(table):
    (row,) = table("case;category\r\ng1;CT-1, mild\r\n").rows
    assert (row.get("case"), row.get("category")) == ("g1", "CT-1, mild")
    (row,) = table("case,note\ng1,a;b\n").rows
    assert row.get("note") == "a;b"


def test_a_byte_order_mark_blanks_and_empty_lines_are_left_out(table):
    found = table("\ufeffct, mask ,\n\n a.nrrd , m.nrrd,\n\n")
    assert found.columns == ("ct", "mask", "")
    (row,) = found.rows
    assert (row.get("ct"), row.get("mask"), row.get("patient"), row.number) == (
        "a.nrrd",
        "m.nrrd",
        "",
        3,
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("ct,mask\na,b\n".encode("utf-16"), "cts.csv cannot be read .* save it as CSV UTF-8"),
        ("ct,mask\na,b,c\n", "cts.csv, row 2: there are 3 cells, but the header has 2"),
        ("ct,ct\na,b\n", "the column ct twice"),
        ("ct,mask\na,b\nc,d\x07e\n", "cts.csv, row 3, column mask: the cell holds control"),
        ('ct,mask\na,b\n"c"d,e\n', "cts.csv cannot be read as a CSV file: row 3 is damaged"),
        ('ct,mask\na,"b\n', "row 2 is damaged"),
        ("ct,mask\na," + "b" * 200_000, "row 2 is damaged"),
    ],
)
def test_what_is_damaged_is_named(table, content, said):
    with pytest.raises(InputError, match=said):
        table(content)


def test_a_missing_file_and_a_missing_column_are_named(table, tmp_path):
    with pytest.raises(InputError, match="gone.csv cannot be read as a CSV file: No such file"):
        read_table(tmp_path / "gone.csv")
    with pytest.raises(InputError, match="cts.csv lacks the column mask"):
        table("ct\na\n").check_columns(["ct", "mask"])


@pytest.mark.parametrize(
    ("cell", "default", "found"),
    [
        ("yes", None, True),
        ("No", None, False),
        ("", True, True),
        ("", None, None),
        ("1", None, None),
    ],
)
def test_yes_and_no_are_taken_and_nothing_else(table, cell, default, found):
    (row,) = table(f"name,windowed\na,{cell}\n").rows
    if found is None:
        with pytest.raises(InputError, match="cts.csv, row 2, column windowed: .* yes or no"):
            row.yes_or_no("windowed", default)
    else:
        assert row.yes_or_no("windowed", default) is found


def test_capitals_in_a_header_do_not_matter(tmp_path):
    (tmp_path / "cts.csv").write_text("CT,Case\na.nii,one\n")
    table = read_table(tmp_path / "cts.csv")
    table.check_columns(["ct", "case"])
    assert (table.rows[0].get("ct"), table.rows[0].get("case")) == ("a.nii", "one")


def test_tabs_are_refused_with_the_separators_that_are_read(tmp_path):
    (tmp_path / "cts.csv").write_text("ct\tcase\na.nii\tone\n")
    with pytest.raises(InputError, match="tabs between its cells: use commas or semicolons"):
        read_table(tmp_path / "cts.csv")
