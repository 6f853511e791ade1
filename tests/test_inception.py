"""The Inception network against an independent PyTorch one with random weights; resizes against Pillow."""

import hashlib
import json
import pickle
import zipfile

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.metrics.networks.inception import InceptionV3
from gan_jax.metrics.networks.inception_weights import inception_variables
from gan_jax.metrics.networks.published_weights import published_weights
from gan_jax.metrics.networks.resize import antialiased_bicubic, legacy_bilinear
from gan_jax.metrics.networks.torch_weights import read_weights


@pytest.fixture(scope="module")
def torch():
    reason = "PyTorch is not installed (pip install 'gan-jax[torch]')"
    return pytest.importorskip("torch", reason=reason)


@pytest.fixture(scope="module")
def network(torch):
    from torch_inception import random_inception

    return random_inception()


@pytest.fixture(scope="module")
def file(torch, network, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(network.state_dict(), path)
    return path


def test_features_and_logits_are_those_of_pytorch(torch, network, file):
    images = np.random.default_rng(0).uniform(-1, 1, (2, 299, 299, 3)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(images.transpose(0, 3, 1, 2)))
    found = jax.jit(InceptionV3().apply)(inception_variables(file), images)
    for ours, theirs in zip(found, expected, strict=True):
        scale = np.abs(theirs.numpy()).mean()
        assert 1e-3 < scale < 1e3
        np.testing.assert_allclose(ours / scale, theirs.numpy() / scale, atol=1e-4)


@pytest.mark.parametrize("kind", ["pth", "legacy.pth", "npz", "safetensors"])
def test_every_file_of_weights_holds_the_same(torch, kind, tmp_path):
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    tensors = {
        "a": base.permute(2, 0, 1), "b": base[1], "count": torch.tensor(7), "h": base.half(),
    }  # fmt: skip
    expected = {name: tensor.contiguous().numpy() for name, tensor in tensors.items()}
    path = tmp_path / f"weights.{kind}"
    if kind == "npz":
        np.savez(path, **expected)
    elif kind == "safetensors":
        write_safetensors(path, expected)
    else:
        torch.save(tensors, path, _use_new_zipfile_serialization=kind == "pth")
    found = read_weights(path)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def write_safetensors(path, arrays):
    header, content = {}, b""
    for name, array in arrays.items():
        kind = {"float32": "F32", "float16": "F16", "int64": "I64"}[str(array.dtype)]
        offsets = [len(content), len(content) + array.nbytes]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": offsets}
        content += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)


class Harm:
    def __reduce__(self):
        return print, ("harm",)


def test_a_file_that_would_call_a_function_is_refused(tmp_path, capsys):
    legacy, zipped = tmp_path / "legacy.pth", tmp_path / "zipped.pth"
    legacy.write_bytes(pickle.dumps(Harm()))
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"a": Harm()}))
    for path in (legacy, zipped):
        with pytest.raises(ValueError, match=r"it asks for \w+.print, which no weights need"):
            read_weights(path)
    assert capsys.readouterr().out == ""


def test_files_that_are_no_weights_of_this_network(file, tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a file of weights"):
        inception_variables(tmp_path / "none.pth")
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(file.read_bytes()[:100_000])
    with pytest.raises(ValueError, match=r"no whole file of weights|is none of"):
        inception_variables(damaged)
    weights = read_weights(file)
    few = {name: array for name, array in weights.items() if not name.startswith("Mixed_7c")}
    other = {**weights, "fc.weight": weights["fc.weight"][:1000]}
    more = {**weights, "AuxLogits.conv0.conv.weight": np.zeros((1, 1, 1, 1))}
    for name, arrays, message in (
        ("few", few, "arrays are missing, such as"),
        ("other", other, r"has shape \(2048, 1000\), expected \(2048, 1008\)"),
        ("more", more, "1 more arrays, such as"),
    ):
        path = tmp_path / f"{name}.npz"
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=message):
            inception_variables(path)


def test_published_weights_are_fetched_once_and_checked(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "weights.pth"
    source.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    for url, error, message in (
        ((tmp_path / "none.pth").as_uri(), ConnectionError, "name the file with --inception FILE"),
        (source.as_uri(), ValueError, "another file than published"),
    ):
        with pytest.raises(error, match=message):
            published_weights(url, "00000000")
    kept = tmp_path / "cache" / "gan_jax" / "inception"
    assert list(kept.iterdir()) == []
    file = published_weights(source.as_uri(), digest[:8])
    assert file == kept / "weights.pth" and file.read_bytes() == b"weights"
    source.unlink()
    assert published_weights(source.as_uri(), digest[:8]) == file


@pytest.mark.parametrize("size", [28, 32, 299, 400])
def test_the_antialiased_resize_is_pillows(size):
    images = np.random.default_rng(0).uniform(0, 255, (1, size, size, 1)).astype(np.float32)
    pillow = Image.fromarray(images[0, :, :, 0]).resize((299, 299), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(
        antialiased_bicubic(images, 299)[0, :, :, 0], np.asarray(pillow), atol=0.02
    )


def test_the_legacy_resize_by_hand():
    row = np.array([0.0, 4.0], np.float32)
    images = np.broadcast_to(row[None, None, :, None], (1, 2, 2, 1))
    # outputs at 0, 0.5, 1 and 1.5 of the input; beyond the last pixel is the last pixel
    np.testing.assert_allclose(legacy_bilinear(images, 4)[0, 0, :, 0], [0.0, 2.0, 4.0, 4.0])
    large = np.arange(6, dtype=np.float32)[None, :, None, None].repeat(6, 2)
    # shrunk by two without antialias: every second pixel
    np.testing.assert_allclose(legacy_bilinear(large, 3)[0, :, 0, 0], [0.0, 2.0, 4.0])
