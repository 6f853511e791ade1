"""Files of weights that are damaged, or made to do harm: each is refused with a sentence, and nothing is executed."""

import json
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gan_jax.metrics.networks.torch_weights import read_weights

DEVICES = 1
ARRAY = np.arange(6, dtype=np.float32)
NUMBERS = ARRAY.tobytes()


def pickled(*, name="a", dtype="FloatStorage", offset=0, shape=(2, 3), strides=(3, 1), more=b""):
    """A state_dict of one tensor, as PyTorch pickles it, with a place of one's choice."""

    def integer(value):
        content = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8a" + bytes([len(content)]) + content

    def integers(values):
        return b"(" + b"".join(integer(value) for value in values) + b"t"

    def text(value):
        return b"X" + len(value).to_bytes(4, "little") + value.encode()

    storage = b"(" + text("storage") + f"ctorch\n{dtype}\n".encode() + text("0") + text("cpu")
    return (
        b"\x80\x02}" + text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + integer(6) + b"tQ"
        + integer(offset) + integers(shape) + integers(strides) + b"\x89N" + b"tR" + more + b"s."
    )  # fmt: skip


def zipped(path, tree, numbers=NUMBERS, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", tree)
        archive.writestr("archive/data/0", numbers)
    return path


def test_a_whole_file_is_read(tmp_path):
    found = read_weights(zipped(tmp_path / "a.pth", pickled()))
    np.testing.assert_array_equal(found["a"], ARRAY.reshape(2, 3))


HUGE = 2**62
TREES = {
    "offset beyond": pickled(offset=1),
    "negative offset": pickled(offset=-1),
    "offset that wraps": pickled(offset=2**64),
    "strides that wrap": pickled(shape=(2, 1), strides=(HUGE, 1)),
    "strides that wrap to zero": pickled(shape=(5, 1), strides=(2**62, 1)),
    "negative strides": pickled(strides=(-3, 1)),
    "a huge shape": pickled(shape=(HUGE, HUGE), strides=(0, 0)),
    "a shape that repeats": pickled(shape=(1 << 28,), strides=(0,)),
    "a negative shape": pickled(shape=(-2, -3)),
    "more strides than axes": pickled(strides=(3, 1, 1)),
    "too many axes": pickled(shape=(1,) * 65, strides=(1,) * 65),
    "another type": pickled(dtype="DoubleStorage"),
    "an unknown type": pickled(dtype="QInt8Storage"),
    "state of the tensor": pickled(more=b"}X\x01\x00\x00\x00aK\x01sb"),
    "a storage that is called": b"\x80\x02ctorch\nFloatStorage\nK\x05\x85R.",
    "a list": b"\x80\x02]K\x01a.",
    "a number": b"\x80\x02K\x01.",
    "another leaf": b"\x80\x02}X\x01\x00\x00\x00aK\x01s.",
    "a tuple as its name": b"\x80\x02}K\x01\x85K\x01s.",
    "no end": pickled()[:-1],
    "nothing": b"",
    "a far memo": b"\x80\x02}r\xff\xff\xff\x7f.",
    "a long array": b"\x80\x05\x96" + (2**40).to_bytes(8, "little") + b".",
    "deep tuples": b"\x80\x02}K\x01" + b"\x85" * 300_000 + b"K\x01s.",
    "an extension": b"\x80\x02\x82\x01.",
    "os.system": pickle.dumps(__import__("os").system),
    "eval by protocol 0": b"cbuiltins\neval\n(S'print(1)'\ntR.",
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_a_hostile_tree_is_refused(kind, tree, tmp_path, capsys):
    path = tmp_path / "a.pth"
    if kind == "zip":
        zipped(path, tree)
    else:
        magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
        head = magic + pickle.dumps(1001, 2) + pickle.dumps({}, 2)
        keys = pickle.dumps(["0"], 2) + (6).to_bytes(8, "little")
        path.write_bytes(head + tree + keys + ARRAY.tobytes())
    with pytest.raises(ValueError, match=r"a\.pth is no whole file of weights: ."):
        read_weights(path)
    assert capsys.readouterr().out == ""


def test_what_unpacks_to_more_than_the_limit_is_not_unpacked(tmp_path):
    zeros = bytes(2**24)
    bomb = zipped(tmp_path / "a.pth", pickled(), zeros, zipfile.ZIP_DEFLATED)
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(2**22, np.float32))
    assert bomb.stat().st_size < 2**15
    for path in (bomb, tmp_path / "a.npz"):
        with pytest.raises(ValueError, match="unpacked it takes 16 MiB, more than 1"):
            read_weights(path, limit=2**20)


def header(**changed):
    return {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]} | changed}


SAFETENSORS = {
    "beyond": header(data_offsets=[0, 28]),
    "backwards": header(data_offsets=[24, 0]),
    "before": header(data_offsets=[-8, 16]),
    "fractions": header(data_offsets=[0.0, 24.0]),
    "one offset": header(data_offsets=[0]),
    "no offsets": {"a": {"dtype": "F32", "shape": [2, 3]}},
    "another shape": header(shape=[2, 4]),
    "a negative shape": header(shape=[-2, -3]),
    "a shape that is none": header(shape="ab"),
    "a type that is none": header(dtype="F99"),
    "a type that is a list": header(dtype=[]),
    "an entry that is none": {"a": 1},
    "a list": [1],
}


@pytest.mark.parametrize("tree", SAFETENSORS.values(), ids=SAFETENSORS)
def test_a_hostile_header_is_refused(tree, tmp_path):
    text, path = json.dumps(tree).encode(), tmp_path / "a.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + ARRAY.tobytes())
    with pytest.raises(ValueError, match=r"a\.safetensors is no whole file of weights"):
        read_weights(path)


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    """A whole file of each format."""
    folder = tmp_path_factory.mktemp("whole")
    np.savez(folder / "a.npz", a=ARRAY)
    text = json.dumps(header()).encode()
    return {
        ".npz": (folder / "a.npz").read_bytes(),
        ".pth": zipped(folder / "a.pth", pickled()).read_bytes(),
        ".safetensors": len(text).to_bytes(8, "little") + text + ARRAY.tobytes(),
        ".pt": pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
        + pickle.dumps({}, 2) + pickled() + pickle.dumps(["0"], 2)
        + (6).to_bytes(8, "little") + ARRAY.tobytes(),
    }  # fmt: skip


def check_damage(contents, path, kind, changes, cut):
    content = bytearray(contents[kind])
    for place, byte in changes:
        content[place % len(content)] = byte
    path = path.with_suffix(kind)
    path.write_bytes(content[: len(content) - cut])
    try:
        found = read_weights(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert all(isinstance(array, np.ndarray) for array in found.values())


DAMAGE = dict(
    kind=st.sampled_from([".npz", ".pth", ".safetensors", ".pt"]),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
    cut=st.sampled_from([0, 0, 1, 7, 22, 40]),
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(**DAMAGE)
def test_changed_bytes_give_arrays_or_one_sentence(contents, tmp_path, kind, changes, cut):
    check_damage(contents, tmp_path / "a", kind, changes, cut)


@pytest.mark.slow
@settings(max_examples=100_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(**DAMAGE)
def test_many_changed_bytes_give_arrays_or_one_sentence(contents, tmp_path, kind, changes, cut):
    check_damage(contents, tmp_path / "a", kind, changes, cut)
