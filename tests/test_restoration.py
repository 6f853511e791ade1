"""Images in, images out: what spoils an image, what becomes of it, and the networks in between."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from experiment_files import file_of, load
from PIL import Image
from test_experiments import run_tiny

from gan_jax.commands.explain import explain
from gan_jax.commands.sample import sample
from gan_jax.context import Context, Exhibit, Turn
from gan_jax.data import ArraySource, Data, degrade
from gan_jax.data.restoration import TASKS, colored, pasted, restoration
from gan_jax.drawing.from_files import write_each
from gan_jax.drawing.tiled import tiled
from gan_jax.lab import chroma, lab_to_rgb, rgb_to_lab
from gan_jax.metrics import classical
from gan_jax.metrics.evaluators.paired import paired as measured_in_pairs
from gan_jax.metrics.psnr import psnr
from gan_jax.models.convolutions import depth_to_space, space_to_depth
from gan_jax.models.paired import l1, paired
from gan_jax.models.patch import PatchDiscriminator, laid_beside, receptive_field
from gan_jax.models.unet import UNet

DEVICES = 1
key = jax.random.key(0)


def images(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def photographs(num=4, size=32):
    """Smooth images with an edge, as no noise is."""
    rows, columns = np.mgrid[:size, :size] / size
    waves = [np.sin(6 * rows + i) * np.cos(5 * columns - i) for i in range(3 * num)]
    smooth = np.stack(waves).reshape(num, 3, size, size).transpose(0, 2, 3, 1)
    return (0.6 * smooth + 0.3 * (rows > 0.6)[..., None]).astype(np.float32)


def test_lab_is_scikit_images_and_its_inverse_is_exact():
    color = pytest.importorskip("skimage.color")
    x = images(5, 7, 3)
    lab = np.asarray(jax.jit(rgb_to_lab)(x))
    np.testing.assert_allclose(lab, color.rgb2lab((x + 1) / 2), atol=2e-3)
    np.testing.assert_allclose(jax.jit(lab_to_rgb)(lab), x, atol=1e-4)
    grey = jnp.broadcast_to(jnp.linspace(-1, 1, 9)[:, None], (9, 3))
    np.testing.assert_allclose(chroma(grey), 0.0, atol=2e-2)
    gradient = jax.grad(lambda x: lab_to_rgb(rgb_to_lab(x)).sum())(jnp.array([-1.0, 0.0, 1.0]))
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_a_function_of_its_key_and_the_real_image_stays(task):
    example = {"image": np.full((32, 32, 3), 200, np.uint8), "label": np.int32(3)}
    prepare = jax.jit(restoration(TASKS[task].degrade_fn))
    fields = prepare(key, example)
    again, other = prepare(key, example), prepare(jax.random.key(1), example)
    np.testing.assert_array_equal(fields["input"], again["input"])
    random = task not in ("x2", "x4", "hole", "color")
    assert (np.asarray(fields["input"]) != other["input"]).any() == random
    np.testing.assert_allclose(fields["real"], 200 / 127.5 - 1, rtol=1e-6)
    assert fields["label"] == 3 and abs(fields["input"]).max() <= 1.0


def test_the_share_and_the_size_of_what_is_spoiled():
    x = jnp.zeros((200, 200, 3))
    spoiled = np.asarray(degrade.salt_and_pepper(share=0.1)(key, x))
    hit = spoiled != 0.0
    assert (hit.all(-1) == hit.any(-1)).all() and abs(hit.mean() - 0.1) < 0.01
    assert set(np.unique(spoiled)) == {-1.0, 0.0, 1.0}
    noisy = np.asarray(degrade.gaussian_noise(sigma=25.0)(key, x))
    assert abs(noisy.std() * 127.5 - 25.0) < 0.5
    assert degrade.hole_mask((32, 32, 3)).sum() == 16 * 16
    assert degrade.hole_mask((28, 28, 1)).sum() == 14 * 14


def test_a_blur_is_scipys():
    from scipy import ndimage

    x = images(20, 24, 3)
    seen = degrade.blurred(jnp.asarray(x), degrade.gaussian_window(1.5))
    expected = ndimage.gaussian_filter(x, (1.5, 1.5, 0), mode="reflect", truncate=4.0)
    np.testing.assert_allclose(seen, expected, atol=1e-5)


def test_a_box_is_a_mean_and_a_hole_is_filled_alone():
    x = images(8, 8, 3)
    small = degrade.box_reduced(scale=2)(key, jnp.asarray(x))
    np.testing.assert_allclose(small[1, 2], x[2:4, 4:6].mean((0, 1)), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="an image of 8x8 cannot be reduced by 3"):
        degrade.box_reduced(scale=3)(key, jnp.asarray(x))
    inside = degrade.hole_mask((8, 8, 3))[..., 0]
    filled = np.asarray(pasted()(jnp.zeros((1, 8, 8, 3)), jnp.ones((1, 8, 8, 3))))[0, ..., 0]
    np.testing.assert_array_equal(filled == 1.0, inside)


def test_a_colored_image_has_the_lightness_that_it_was_given():
    x = jnp.asarray(0.5 * images(1, 6, 6, 3))
    grey = degrade.without_color(key, x[0])[None]
    ab = rgb_to_lab(x)[..., 1:]
    assert grey.shape == (1, 6, 6, 1)
    np.testing.assert_allclose(
        rgb_to_lab(grey.repeat(3, -1))[..., 0], rgb_to_lab(x)[..., 0], atol=1e-2
    )
    np.testing.assert_allclose(colored(grey, jnp.arctanh(ab / 110.0)), x, atol=1e-4)
    with pytest.raises(ValueError, match="colorization needs color images"):
        degrade.without_color(key, jnp.zeros((6, 6, 1)))


def test_pixels_become_channels_and_pixels_again():
    x = images(2, 6, 4, 3)
    blocks = space_to_depth(jnp.asarray(x), 2)
    assert blocks.shape == (2, 3, 2, 12)
    np.testing.assert_array_equal(blocks[0, 1, 1, 3:6], x[0, 2, 3])
    np.testing.assert_array_equal(depth_to_space(blocks, 2), x)


def test_a_residual_unet_starts_from_what_it_is_given():
    x = jnp.asarray(images(2, 8, 12, 3))
    network = UNet(3, (4, 6), block=2)
    variables = network.init(key, x, train=True)
    out = network.apply(variables, x, train=False)
    assert out.shape == x.shape and out.dtype == jnp.float32
    assert 0.0 < abs(out - x).max() < 0.1
    enlarged = UNet(3, (4, 6), scale=2)
    assert jax.eval_shape(lambda: enlarged.init_with_output(key, x, train=True)[0]).shape == (
        2, 16, 24, 3,
    )  # fmt: skip


def test_sizes_that_a_unet_cannot_halve_are_refused_with_those_that_fit():
    network = UNet(1, (4, 4, 4))
    with pytest.raises(ValueError, match=r"multiples of 4, got 30x28: .* are 28x28 and 32x28"):
        network.init(key, jnp.zeros((1, 30, 28, 1)), train=True)


@pytest.mark.parametrize("widths", [(), (3,), (3, 4)])
def test_a_logit_sees_its_patch_and_no_more(widths):
    network = PatchDiscriminator(widths, activation_fn=lambda x: x)
    x = jnp.asarray(images(1, 32, 32, 1))
    variables = network.init(key, x, train=True)

    @jax.jit
    def seen(x):
        logits, pull = jax.vjp(lambda x: network.apply(variables, x, train=False), x)
        middle = logits.shape[1] // 2
        return pull(jnp.zeros_like(logits).at[0, middle, middle].set(1.0))[0]

    rows = np.flatnonzero(np.asarray(seen(x))[0, :, :, 0].any(1))
    assert rows[-1] - rows[0] + 1 == receptive_field(widths)


def test_several_scales_are_several_judges_beside_a_smaller_condition():
    x, small = jnp.asarray(images(2, 16, 16, 3)), jnp.asarray(images(2, 4, 4, 3))
    network = PatchDiscriminator((4,), scales=2)
    logits, variables = network.init_with_output(key, x, small, train=True)
    assert [each.shape for each in logits] == [(2, 8, 8), (2, 4, 4)]
    assert {name[:7] for name in variables["params"]} == {"scale_0", "scale_1"}
    np.testing.assert_array_equal(laid_beside(x, small)[0, 5, 9, 3:], small[0, 1, 2])
    with pytest.raises(ValueError, match="cannot be laid beside"):
        laid_beside(x, jnp.zeros((2, 5, 5, 3)))


def test_the_discriminator_is_told_the_input_and_l1_is_a_mean_of_pixels():
    batch = {"real": jnp.ones((2, 4, 4, 1)), "input": jnp.zeros((2, 4, 4, 1))}
    turn = Turn(jnp.int32(0), "generator")
    shown = paired()(lambda given: given + 0.25, None, batch, turn)
    assert shown.condition is batch["input"] and shown.real is batch["real"]
    term = l1(7.0)["l1"]
    context = Context(real=Exhibit(None, raw=shown.real), fake=Exhibit(None, raw=shown.fake))
    np.testing.assert_allclose(term.term_fn(key, context), [0.75, 0.75])
    assert term.weight == 7.0


def spoiled_rows(task, real):
    inputs = jax.vmap(TASKS[task].degrade_fn)(jax.random.split(key, len(real)), jnp.asarray(real))
    return {"real": real, "input": np.asarray(inputs)}


@pytest.mark.parametrize("task", ["noise", "salt_and_pepper", "impulses", "blur", "hole"])
def test_classical_methods_are_better_than_the_input(task):
    pytest.importorskip("skimage")
    rows = spoiled_rows(task, photographs())
    methods = classical.methods_of(task)
    assert methods
    floor = psnr(rows["input"], rows["real"]).mean()
    for name, draw_fn in methods.items():
        assert psnr(draw_fn(None, None, rows), rows["real"]).mean() > floor + 0.1, name


def test_lanczos_is_pillows_and_better_than_larger_pixels():
    rows = spoiled_rows("x2", photographs(1))
    methods = classical.methods_of("x2")
    plane = Image.fromarray((rows["input"][0, ..., 1] + 1) / 2).resize((32, 32), Image.LANCZOS)
    found = methods["lanczos"](None, None, rows)
    np.testing.assert_allclose((found[0, ..., 1] + 1) / 2, np.clip(plane, 0, 1), atol=1e-5)
    values = [
        psnr(methods[name](None, None, rows), rows["real"])[0] for name in ("nearest", "lanczos")
    ]
    assert values[0] < values[1]


def test_an_own_tint_is_the_best_of_one_color():
    rows = spoiled_rows("color", 0.3 * photographs() + np.float32([0.3, 0.0, -0.3]))
    methods = classical.methods_of("color")
    errors = [
        psnr(methods[name](None, None, rows), rows["real"]).mean() for name in ("grey", "own_tint")
    ]
    assert errors[0] < errors[1]


def test_a_part_of_the_image_is_measured_alone():
    source = ArraySource({"image": np.zeros((8, 16, 16, 3), np.uint8)})
    data = Data(source_fn=lambda: source, held_out_fn=lambda: source)
    part = (slice(4, 16), slice(2, 14))
    whole, inside = measured_in_pairs(data), measured_in_pairs(data, part=part)
    assert whole.sha != inside.sha and inside.protocol["part"] == ["4 to 16", "2 to 14"]


@pytest.mark.parametrize("size", [(20, 33), (8, 8), (40, 5)])
@pytest.mark.parametrize("scale", [1, 2])
def test_tiles_of_a_local_function_are_the_function_of_the_whole(size, scale):
    x = images(*size, 2)

    def blurred(batch):
        """The mean of 3x3, and each pixel twice."""
        padded = np.pad(batch, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
        shifted = [
            padded[:, i : i + batch.shape[1], j : j + batch.shape[2]]
            for i in range(3)
            for j in range(3)
        ]
        return np.mean(shifted, axis=0).repeat(scale, 1).repeat(scale, 2)

    found = tiled(blurred, x, tile=8, border=2)
    np.testing.assert_allclose(found, blurred(x[None])[0], atol=1e-6)


def test_images_keep_their_size_their_name_and_their_opacity(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    opaque = Image.fromarray(np.full((9, 14, 3), 100, np.uint8))
    turned = opaque.getexif()
    turned[0x0112] = 6  # a quarter
    opaque.save(tmp_path / "in" / "a.jpg", exif=turned)
    glass = Image.fromarray(np.full((5, 6, 4), (10, 20, 30, 128), np.uint8), "RGBA")
    glass.save(tmp_path / "in" / "deep" / "b.png")
    files = [tmp_path / "in" / "a.jpg", tmp_path / "in" / "deep" / "b.png"]

    def brighter(images):
        return images + 0.2

    write_each(files, tmp_path / "in", tmp_path / "out", brighter, 3)
    with Image.open(tmp_path / "out" / "a.png") as found:
        assert found.size == (9, 14) and found.mode == "RGB"
        assert abs(np.asarray(found).astype(int) - 126).max() <= 2
    with Image.open(tmp_path / "out" / "deep" / "b.png") as found:
        assert found.size == (6, 5) and (np.asarray(found)[..., 3] == 128).all()
    with pytest.raises(ValueError, match=r"b\.png would be written over itself"):
        write_each(files, tmp_path / "in", tmp_path / "in", brighter, 3)
    (tmp_path / "in" / "a.png").write_bytes(files[1].read_bytes())
    with pytest.raises(ValueError, match=r"two images would become .*a\.png"):
        write_each([files[0], tmp_path / "in" / "a.png"], tmp_path / "in", tmp_path, brighter, 3)


@pytest.mark.thorough
def test_a_folder_restores_a_folder(tmp_path, monkeypatch, capsys):
    """As the two commands of the experiment's docstring do it."""
    for name in ("good", "spoiled"):
        (tmp_path / name).mkdir()
    for i, image in enumerate(np.uint8(127.5 * (photographs(12, 40) + 1.0))):
        Image.fromarray(image).save(tmp_path / "good" / f"{i}.png")
    Image.fromarray(np.zeros((21, 50, 3), np.uint8)).save(tmp_path / "spoiled" / "mine.jpg")
    run = tmp_path / "run"
    run_tiny(monkeypatch, file_of("folder_restore"), run, "--data-dir", str(tmp_path / "good"))
    sample(run, condition=(str(tmp_path / "spoiled"),), out=tmp_path / "restored")
    assert "1 images, each at its own size" in capsys.readouterr().out
    with Image.open(tmp_path / "restored" / "mine.png") as found:
        assert found.size == (50, 21)
    explain(run, num=32, nodes=2)
    assert "explained_pixels" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cyclegan", "cut"])
def test_a_folder_becomes_another(method, tmp_path, monkeypatch, capsys):
    """As the two commands of the experiment's docstring do it."""
    for name, sign in (("a", 1.0), ("b", -1.0)):
        (tmp_path / name).mkdir()
        for i, image in enumerate(np.uint8(127.5 * (sign * photographs(30, 20) + 1.0))):
            Image.fromarray(image).save(tmp_path / name / f"{i}.png")
    run = tmp_path / "run"
    folders = ["--a", str(tmp_path / "a"), "--b", str(tmp_path / "b"), "--method", method]
    run_tiny(monkeypatch, file_of("folder_translate"), run, *folders)
    sample(run, condition=(str(tmp_path / "a"),), out=tmp_path / "made")
    assert "30 images, each at its own size" in capsys.readouterr().out
    assert len(list((tmp_path / "made").glob("*.png"))) == 30


def test_every_row_of_the_table_is_a_game_and_every_classical_method_is_measured_there():
    pytest.importorskip("skimage")
    function = load(file_of("restore")).experiment
    table = load(file_of("benchmark_restore")).table()
    assert len(table.rows) == 5 * 6 + 9
    for row in table.rows.values():
        if row.kind == "experiment":
            game = function(**row.arguments).game
            assert ("r1" in game.discriminator_terms) == row.arguments.get("adversarial", True)
        else:
            owner, method = row.reference_of
            assert method in classical.methods_of(table.rows[owner].arguments["task"])
