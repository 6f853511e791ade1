"""A folder of images as a source: what is read, what is said of it, and what is set aside."""

import warnings

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import ArraySource, Data, FolderSource, decoded, digits, in_memory
from gan_jax.data.subset import Subset


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    rng = np.random.default_rng(0)
    for name, size in (("b.png", (10, 12)), ("a.jpg", (9, 9)), ("sub/c.PNG", (20, 8))):
        pixels = rng.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


def test_a_folder_of_images(folder):
    source = in_memory(FolderSource(folder, size=8, channels=3))
    assert source.arrays["image"].shape == (3, 8, 8, 3)
    gray = FolderSource(folder, size=4, channels=1)
    assert [path.name for path in gray.files] == ["a.jpg", "b.png", "c.PNG"]
    assert gray[2]["image"].shape == (4, 4, 1)
    pixels = np.asarray(Image.open(folder / "b.png"))
    np.testing.assert_array_equal(FolderSource(folder, size=None)[1]["image"], pixels)


def only(tmp_path, image, name="image.png", **options):
    """The pixels of one file, in a folder of its own."""
    image.save(tmp_path / name, **options)
    return FolderSource(tmp_path, size=None)[0]["image"]


def test_what_lies_beneath_transparent_pixels_is_not_seen(tmp_path):
    """Red that nobody sees: laid on the background, half of it where it is half transparent."""
    red = np.zeros((4, 4, 4), np.uint8)
    red[..., 0], red[:, 2:, 3] = 255, 128
    Image.fromarray(red).save(tmp_path / "red.png")
    white, green = (FolderSource(tmp_path, size=None, background=b) for b in ("white", "#00ff00"))
    np.testing.assert_array_equal(white[0]["image"][:, :2], 255)
    np.testing.assert_array_equal(green[0]["image"][:, :2], np.full((4, 2, 3), (0, 255, 0)))
    np.testing.assert_allclose(white[0]["image"][0, 3], (255, 127, 127), atol=1)
    assert white.kinds() == "1 of 1 images are transparent (laid on white)"
    for image in (Image.fromarray(red).convert("LA"), Image.fromarray(red).quantize(8)):
        image.save(tmp_path / "red.png")
        assert FolderSource(tmp_path, size=None)[0]["image"][0, 0].tolist() == [255, 255, 255]
    with pytest.raises(ValueError, match=r"must be the name of a colour, .* got 'whitish'"):
        FolderSource(tmp_path, size=None, background="whitish")


def test_images_are_turned_as_their_camera_says(tmp_path):
    upright = np.random.default_rng(0).integers(0, 256, (6, 3, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise brings it upright
    lying = Image.fromarray(np.rot90(upright))
    np.testing.assert_array_equal(only(tmp_path, lying, exif=exif), upright)
    assert "turned by EXIF" in FolderSource(tmp_path, size=None).kinds()


def test_sixteen_bits_are_scaled_and_what_has_no_range_is_refused(tmp_path):
    levels = np.arange(16, dtype=np.uint16).reshape(4, 4) * 17 * 257
    pixels = only(tmp_path, Image.fromarray(levels))
    np.testing.assert_array_equal(pixels[..., 0], np.arange(16).reshape(4, 4) * 17)
    for name, values in (("a.tif", np.float32), ("a.tif", np.int32)):
        with pytest.raises(
            ValueError, match=r"a\.tif holds .*, whose black and white nobody knows"
        ):
            only(tmp_path, Image.fromarray(levels.astype(values)), name)
            FolderSource(tmp_path, size=None)[0]


def test_images_need_not_be_square(folder):
    assert FolderSource(folder, size=(6, 10))[0]["image"].shape == (6, 10, 3)


def test_changed_content_of_equal_size_is_another_data_set(folder):
    before = FolderSource(folder, size=8).fingerprint()
    file = folder / "b.png"
    changed = bytearray(file.read_bytes())
    changed[-20] ^= 1
    file.write_bytes(bytes(changed))
    assert FolderSource(folder, size=8).fingerprint() != before
    file.write_bytes(bytes(changed))
    assert FolderSource(folder, size=8, background="black").fingerprint() != before


def test_bad_folders_and_files(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        FolderSource(tmp_path / "nowhere", size=8)
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "notes.txt").touch()
    with pytest.raises(FileNotFoundError, match=r"holds no image file \(1 other files\)"):
        FolderSource(tmp_path / "nothing", size=8)
    with pytest.raises(ValueError, match="channels must be 1, 3 or 4 for image files"):
        FolderSource(folder, size=8, channels=2)
    with pytest.raises(ValueError, match="must have one shape"):
        in_memory(FolderSource(folder, size=None))
    (folder / "empty.png").touch()
    with pytest.raises(ValueError, match=r"empty\.png \(0 bytes\) cannot be read"):
        in_memory(FolderSource(folder, size=8))
    whole = (folder / "b.png").read_bytes()
    (folder / "empty.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"empty\.png .* cannot be read"):
        in_memory(FolderSource(folder, size=8))


def write(folder, *names, size=(6, 6)):
    """Images of one colour each."""
    for index, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size[::-1], (index, 0, 0)).save(folder / name)
    return folder


def labeled(folder, **options):
    return FolderSource(folder, size=4, labels="subfolders", **options)


def test_subfolders_are_classes_sorted_by_name(tmp_path):
    write(tmp_path, "dog/a.png", "cat/b.png", "cat/deeper/c.png", ".hidden/d.png", "dog/.e.png")
    (tmp_path / "notes.txt").touch()
    source = labeled(tmp_path)
    assert source.names == {"label": ("cat", "dog")}
    examples = [source[index] for index in range(len(source))]
    assert [int(example["label"]) for example in examples] == [0, 0, 1]
    assert [path.parent.name for path in source.files] == ["cat", "deeper", "dog"]
    assert all(example["label"].dtype == np.int32 for example in examples)
    whole = in_memory(source)
    assert whole.names == source.names and whole.arrays["label"].tolist() == [0, 0, 1]
    assert Data(source_fn=lambda: source).names["condition"] == ("cat", "dog")


def test_names_of_classes_outlive_decoding_and_splitting(tmp_path):
    write(tmp_path / "images", *(f"{c}/{n}.png" for c in ("cat", "dog") for n in range(5)))
    source = labeled(tmp_path / "images")
    for _ in range(2):  # written, and found
        on_disk = decoded(source, tmp_path / "cache")
        assert on_disk.names == source.names and on_disk[9]["label"] == 1
    data = Data(source_fn=lambda: on_disk, held_out_share=0.2)
    assert data.held_out.names == data.training.names == source.names


def test_labels_change_the_fingerprint_only_where_they_are_given(tmp_path):
    write(tmp_path, "cat/a.png", "dog/b.png")
    plain = FolderSource(tmp_path, size=4)
    assert plain.names == {} and set(plain[0]) == {"image"}
    assert plain.fingerprint() == FolderSource(tmp_path, size=4, labels=None).fingerprint()
    assert plain.fingerprint() != labeled(tmp_path).fingerprint()
    with pytest.raises(ValueError, match="labels must be subfolders or None, got 'folders'"):
        FolderSource(tmp_path, size=4, labels="folders")


@pytest.mark.parametrize(
    ("names", "empty", "message"),
    [
        (
            ["cat/a.png", "dog/b.png", "c.png"],
            [],
            r"1 images \(c\.png, \.\.\.\) beside 2 subfolders",
        ),
        (["a.png", "b.png"], [], r"2 images \(a\.png, \.\.\.\) beside 0 subfolders"),
        (["cat/a.png", "dog/b.png"], ["eel", "fox/deeper"], "without images: eel, fox: fill or"),
        (["cat/a.png"], [], "one class alone, cat: expected a subfolder for each of at least two"),
        (["all/cat/a.png", "all/dog/b.png"], [], r"of all are classes, name .*all$"),
        (["test/cat/a.png", "train/cat/b.png"], [], r"such as test/cat/a\.png: if .*test$"),
    ],
)
def test_subfolders_that_are_no_classes(tmp_path, names, empty, message):
    write(tmp_path, *names)
    for name in empty:
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(ValueError, match=message):
        labeled(tmp_path)


def test_a_folder_one_level_too_high_is_said_and_read(tmp_path):
    write(tmp_path, "test/cat/a.png", "train/cat/b.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = FolderSource(tmp_path, size=4)
        kinds = source.kinds()
    assert len(source) == 2 and "all images lie two folders down or deeper" in kinds
    assert FolderSource(tmp_path / "train", size=4).kinds() == ""


def test_four_channels_keep_the_transparency_and_hide_what_it_hides(tmp_path):
    pixels = np.full((4, 4, 4), (255, 0, 0, 255), np.uint8)
    pixels[:2, :, 3] = 0
    Image.fromarray(pixels).save(tmp_path / "red.png")
    source = FolderSource(tmp_path, size=None, channels=4)
    image = source[0]["image"]
    assert image.shape == (4, 4, 4) and not image[:2].any()
    np.testing.assert_array_equal(image[2:], pixels[2:])
    assert source.kinds() == "1 of 1 images are transparent"
    write(tmp_path, "opaque.png", size=(4, 4))
    assert FolderSource(tmp_path, size=4, channels=4)[0]["image"][..., 3].min() == 255


def test_arrays_of_many_channels(tmp_path):
    levels = np.arange(5, dtype=np.uint16) * 50 * 257
    np.save(tmp_path / "a.npy", np.tile(levels, (8, 6, 1)))
    np.save(tmp_path / "b.npy", np.tile((levels // 257).astype(np.uint8), (8, 6, 1)))
    source = FolderSource(tmp_path, size=(4, 4), channels=5)
    for index in range(2):
        expected = np.tile(np.uint8([0, 50, 100, 150, 200]), (4, 4, 1))
        np.testing.assert_array_equal(source[index]["image"], expected)
    assert source.kinds() == "" and source.fingerprint()["examples"] == 2
    with pytest.raises(ValueError, match=r"a\.npy must be \[height, width, 3\] of uint8 or uint16"):
        FolderSource(tmp_path, size=4)[0]
    (tmp_path / "b.npy").write_bytes(b"no array")
    with pytest.raises(ValueError, match=r"b\.npy cannot be read as an array"):
        source[1]
    write(tmp_path, "c.png")
    with pytest.raises(ValueError, match=r"1, 3 or 4 for image files such as .*c\.png, got 5"):
        FolderSource(tmp_path, size=4, channels=5)


def places(part):
    return [int(example["x"]) for example in part]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_share_is_set_aside_by_number_alone(streamed):
    numbers = ArraySource({"x": np.arange(50)}, names={"label": ("a", "b")})
    # the same examples in places of another order, so that a streamed source is no array
    source = Subset(numbers, np.arange(50)) if streamed else numbers
    data = Data(source_fn=lambda: source, held_out_share=0.1)
    training, held_out = places(data.training), places(data.held_out)
    assert len(held_out) == 5 and sorted(training + held_out) == list(range(50))
    again = Data(source_fn=lambda: source, held_out_share=0.1)
    assert places(again.held_out) == held_out != list(range(5))
    assert data.held_out.names == data.training.names == {"label": ("a", "b")}
    assert isinstance(data.training, Subset) == streamed
    assert data.training.fingerprint() != data.held_out.fingerprint()


def test_a_share_that_leaves_nothing_to_train_on():
    data = Data(source_fn=lambda: ArraySource({"x": np.arange(2)}), held_out_share=0.9)
    with pytest.raises(ValueError, match="of 2 examples leaves none to train on"):
        len(data.training)
    with pytest.raises(ValueError, match=r"held_out_share must be in \[0, 1\), got 1"):
        Data(source_fn=digits, held_out_share=1)
    with pytest.raises(ValueError, match="leave held_out_share at 0"):
        Data(source_fn=digits, held_out_fn=digits, held_out_share=0.1)


def test_a_subset_reads_what_is_asked_for(tmp_path):
    source = FolderSource(write(tmp_path, *(f"{n}.png" for n in range(6))), size=4)
    subset = Subset.of(source, np.array([4, 1]))
    assert [int(subset[index]["image"][0, 0, 0]) for index in range(2)] == [4, 1]
    assert [int(each["image"][0, 0, 0]) for each in subset.__getitems__([1, 1, 0])] == [1, 1, 4]
    assert subset.fingerprint() != Subset.of(source, np.array([1, 4])).fingerprint()
    assert isinstance(Subset.of(digits(), np.arange(3)), ArraySource)


def test_rows_of_a_folder_that_is_read_while_it_is_looked_at(tmp_path):
    source = FolderSource(write(tmp_path, *(f"{n}.png" for n in range(20))), size=4)
    data = Data(source_fn=lambda: source, held_out_share=0.25)
    found = {}
    for part in ("training", "held_out"):
        rows = np.concatenate([rows["real"] for rows in data.rows(part)])
        found[part] = {round(float(red)) for red in (rows[:, 0, 0, 0] + 1) * 127.5}
    assert len(found["held_out"]) == 5 and not found["held_out"] & found["training"]
    assert found["held_out"] | found["training"] == set(range(20))
