"""PNG files: grey levels come back exactly, and nothing damaged or in colour is read."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from COVIDLesionSegLib.engine.data.png import read_grey_png, write_grey_png
from COVIDLesionSegLib.engine.errors import InputError, OutputError
from engine.labelled_data import no_file_above

IMAGES = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20))
)
PICTURE = np.arange(96, dtype=np.uint8).reshape(8, 12)


def chunk(kind, content):
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png(shape, bits, colour, rows, interlaced=0, before=b""):
    """A PNG file of rows of bytes, each row without a filter."""
    header = struct.pack(">IIBBBBB", shape[1], shape[0], bits, colour, 0, 0, interlaced)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + before
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("png") / "lesion"
    folder.mkdir()
    return folder


@given(IMAGES)
def test_grey_levels_come_back_exactly(folder, image):
    write_grey_png(image, folder / "a.png")
    read = read_grey_png(folder / "a.png")
    np.testing.assert_array_equal(read, image)
    assert read.dtype == image.dtype


def test_one_bit_is_black_and_white(folder):
    (folder / "a.png").write_bytes(png((2, 8), 1, 0, [[0b10000001], [0b01000000]]))
    read = read_grey_png(folder / "a.png")
    assert read.dtype == np.uint8 and set(np.unique(read)) == {0, 255}
    assert list(read[0]) == [255, 0, 0, 0, 0, 0, 0, 255]


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (3, 5), (13, 2), (9, 17)])
def test_interlaced_files_are_read_too(folder, shape):
    image = np.arange(shape[0] * shape[1], dtype=np.uint8).reshape(shape)
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    parts = (image[r::rs, c::cs] for r, c, rs, cs in [*passes, (1, 0, 2, 1)])
    rows = [row for part in parts if part.size for row in part]
    (folder / "a.png").write_bytes(png(shape, 8, 0, rows, interlaced=1))
    np.testing.assert_array_equal(read_grey_png(folder / "a.png"), image)


PALETTE = chunk(b"PLTE", bytes(range(6)))
NOT_GREY = {
    "in colour .RGB.": png((2, 2), 8, 2, [bytes(6)] * 2),
    "a palette": png((2, 2), 8, 3, [bytes(2)] * 2, before=PALETTE),
    "grey with transparency": png((2, 2), 8, 4, [bytes(4)] * 2),
    "in colour .RGBA.": png((2, 2), 8, 6, [bytes(8)] * 2),
    "transparency, but": png((2, 2), 8, 0, [bytes(2)] * 2, before=chunk(b"tRNS", bytes(2))),
    "grey levels of 4 bits": png((2, 2), 4, 0, [bytes(1)] * 2),
    "claims 0 x 2 pixels": png((0, 2), 8, 0, []),
    "which no CT slice has": png((2**20, 2**20), 8, 0, [bytes(2)] * 2),
}


@pytest.mark.parametrize("said", NOT_GREY)
def test_what_is_not_plain_grey_is_refused_with_what_it_is(folder, said):
    (folder / "a.png").write_bytes(NOT_GREY[said])
    with pytest.raises(InputError, match=rf"^lesion/a\.png .*{said}"):
        read_grey_png(folder / "a.png")


def test_files_of_other_kinds_and_missing_ones_are_named(folder):
    sitk.WriteImage(sitk.GetImageFromArray(PICTURE), str(folder / "b.jpg"))
    (folder / "b.png").write_bytes((folder / "b.jpg").read_bytes())
    with pytest.raises(InputError, match=r"lesion/b\.png is damaged, or is not a PNG file"):
        read_grey_png(folder / "b.png")
    with pytest.raises(InputError, match=r"gone\.png is listed in .* missing in lesion/"):
        read_grey_png(folder / "gone.png")


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_file_is_never_read_as_another_image(folder, data):
    write_grey_png(PICTURE, folder / "c.png")
    content = bytearray((folder / "c.png").read_bytes())
    how = data.draw(st.sampled_from(["cut", "flip", "insert", "drop"]))
    place = data.draw(st.integers(0, len(content) - 1))
    if how == "cut":
        del content[place:]
    elif how == "flip":
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    elif how == "insert":
        content.insert(place, data.draw(st.integers(0, 255)))
    else:
        del content[place]
    (folder / "c.png").write_bytes(bytes(content))
    try:
        read = read_grey_png(folder / "c.png")
    except InputError as error:
        assert "lesion/c.png" in str(error)
    else:
        np.testing.assert_array_equal(read, PICTURE)


def test_too_few_and_too_many_rows_are_damage(folder):
    for rows in (PICTURE[:-1], np.vstack([PICTURE, PICTURE[:1]])):
        (folder / "d.png").write_bytes(png(PICTURE.shape, 8, 0, rows))
        with pytest.raises(InputError, match="lesion/d.png is damaged"):
            read_grey_png(folder / "d.png")


def test_a_file_that_cannot_be_written_whole_is_an_error_that_names_it(folder):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    with (
        no_file_above(1000),
        pytest.raises(OutputError, match=r"lesion/full\.png cannot be written: .* disk space"),
    ):
        write_grey_png(noise, folder / "full.png")
