"""`fastinit.keras` beside NumPy and beside `keras.initializers`: values, distributions, signatures, seeds, configurations."""

import copy
import inspect
import json
import pickle
import sys

import pytest

pytest.importorskip("keras", reason="needs Keras and a back-end", exc_type=ImportError)

import keras
import numpy as np

import fastinit as fi
import fastinit.keras as fk
from fastinit.arguments import dtypes
from tests.keras.table import CLASSES, RANDOM, numpy, seeded

pytestmark = pytest.mark.filterwarnings("default")  # of the other libraries

SHARED = [name for name in CLASSES if hasattr(keras.initializers, name)]
DTYPES = [real.name for real in dtypes.REALS.values()]


def array(tensor):
    """The tensor as float64 if it is float64, else as float32: some back-ends cannot convert 16 and 8 bits."""
    wide = keras.backend.standardize_dtype(tensor.dtype) == "float64"
    return np.asarray(keras.ops.convert_to_numpy(tensor if wide else keras.ops.cast(tensor, "float32")))


def same(tensor, expected):
    """Whether the values are equal."""
    mine = array(tensor)
    assert mine.shape == expected.shape
    return np.array_equal(mine.astype(np.float64), expected.astype(np.float64))


def test_the_table_has_every_class():
    assert sorted(CLASSES) == sorted(fk.__all__)
    missing = {name for name in dir(keras.initializers) if isinstance(getattr(keras.initializers, name), type)} - set(
        fk.__all__
    )
    assert {name for name in missing if name[0].isupper()} <= {"Initializer", "STFT", "STFTInitializer"} | {
        f"{name}Initializer" for name in SHARED
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CLASSES)
def test_values_are_numpys(name, dtype):
    if dtype == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX has float64 only where jax_enable_x64 is set")
    tensor = getattr(fk, name)(**seeded(name, 7))(CLASSES[name][1], dtype)
    assert keras.backend.standardize_dtype(tensor.dtype) == dtype
    assert same(tensor, numpy(name, 7, dtype))


def test_dtype_and_shape_are_as_keras_takes_them():
    make = fk.RandomNormal(seed=0)
    assert keras.backend.standardize_dtype(make([2, 3]).dtype) == keras.config.floatx() == "float32"
    assert make((0, 3)).shape == (0, 3)
    assert make(shape=(np.int64(4),), dtype=np.float16).shape == (4,)
    try:
        keras.config.set_floatx("float16")
        assert keras.backend.standardize_dtype(make((2,)).dtype) == "float16"
    finally:
        keras.config.set_floatx("float32")


@pytest.mark.parametrize("name", SHARED)
def test_signatures_begin_as_keras_has_them(name):
    ours = list(inspect.signature(getattr(fk, name)).parameters.values())
    theirs = list(inspect.signature(getattr(keras.initializers, name)).parameters.values())
    if name in ("Zeros", "Ones"):
        theirs = []  # object's own constructor
    assert [(p.name, p.default, p.kind) for p in ours[: len(theirs)]] == [(p.name, p.default, p.kind) for p in theirs]
    assert {p.name for p in ours[len(theirs) :]} <= {"a", "b"}


@pytest.fixture
def laws(monkeypatch):
    """Record the samplers' arguments, fastinit's and Keras's."""
    source = sys.modules["keras.src.initializers.random_initializers"]
    asked = []

    def noting(law, original):
        def note(rng, *numbers, **keywords):
            if keywords.get("index") is None:
                asked.append((law, *numbers[:-1]))
            return original(rng, *numbers, **keywords)

        return note

    for law in ("uniform", "normal", "truncated_normal"):
        monkeypatch.setattr(fi.Generator, law, noting(law, getattr(fi.Generator, law)))

    class Samplers:
        SeedGenerator = keras.random.SeedGenerator
        make_default_seed = staticmethod(lambda: 0)
        uniform = staticmethod(lambda shape, minval, maxval, **_: asked.append(("uniform", minval, maxval)))
        normal = staticmethod(lambda shape, mean, stddev, **_: asked.append(("normal", mean, stddev)))
        truncated_normal = staticmethod(
            lambda shape, mean, stddev, **_: asked.append(("truncated_normal", -2.0, 2.0, mean, stddev))
        )

    monkeypatch.setattr(source, "random", Samplers)

    def law_of(module, name, shape, arguments):
        made = getattr(module, name)(**arguments)
        asked.clear()
        made(shape)
        (law,) = asked
        return law

    return law_of


SHAPES = [(), (1,), (6,), (5, 7), (1, 1), (4, 2, 3), (3, 3, 4, 2), (1, 4, 1, 3), (2, 3, 2, 5, 2)]
PLACED = [((4, 6, 5), [0, 1], [2]), ((4, 6, 5), [-1], [0]), ((4, 6, 5), (1,), ()), ((3, 4), [1], [0]), ((6,), [0], [])]
RULES = {name: {} for name in SHARED if name.startswith(("Glorot", "He", "Lecun", "Random", "Truncated"))}
ARGUMENTS = [
    *RULES.items(),
    ("RandomUniform", {"minval": -2.0, "maxval": 0.5}),
    ("RandomNormal", {"mean": 3.0, "stddev": 0.25}),
    ("TruncatedNormal", {"mean": 3.0, "stddev": 0.25}),
    *(
        ("VarianceScaling", {"scale": 1.7, "mode": mode, "distribution": law})
        for mode in ("fan_in", "fan_out", "fan_avg")
        for law in ("uniform", "normal", "Truncated_Normal", "untruncated_normal")
    ),
]


@pytest.mark.parametrize(("name", "arguments"), ARGUMENTS)
def test_laws_are_keras_own(laws, name, arguments):
    places = [(shape, {}) for shape in SHAPES]
    if "input_axes" in inspect.signature(getattr(fk, name)).parameters:
        places += [(shape, {"input_axes": inputs, "output_axes": outputs}) for shape, inputs, outputs in PLACED]
    for shape, axes in places:
        (ours, *mine), (theirs, *numbers) = (laws(module, name, shape, arguments | axes) for module in (fk, keras.initializers))
        assert ours == theirs
        assert mine == pytest.approx(numbers, rel=1e-13, abs=0), (shape, axes)


@pytest.mark.parametrize("shape", [(7, 7), (6, 20), (20, 6), (3, 2, 4, 5)])
def test_what_is_not_drawn_by_element_is_keras_own(shape):
    ours, theirs = (array(module.Orthogonal(2.0, seed=0)(shape)).reshape(-1, shape[-1]) for module in (fk, keras.initializers))
    a, b = (ours, theirs) if len(ours) >= shape[-1] else (ours.T, theirs.T)
    assert np.abs(a.T @ a - b.T @ b).max() < 1e-5
    for make in (lambda m: m.Zeros(), lambda m: m.Ones(), lambda m: m.Constant(0.1), lambda m: m.Identity(2.5)):
        target = shape if len(shape) == 2 else (4, 6)
        assert np.array_equal(array(make(fk)(target)), array(make(keras.initializers)(target)))


@pytest.mark.parametrize("name", RANDOM)
def test_an_int_gives_the_same_values_at_every_call(name):
    shape = CLASSES[name][1]
    make, twin, other = (getattr(fk, name)(**seeded(name, seed)) for seed in (3, np.int64(3), 2**70 + 3))
    first = array(make(shape))
    assert np.array_equal(first, array(make(shape)))
    assert np.array_equal(first, array(twin(shape)))
    assert not np.array_equal(first, array(other(shape)))
    theirs = keras.initializers.RandomNormal(seed=3)
    assert np.array_equal(array(theirs((4,))), array(theirs((4,)))), "Keras's own meaning has changed"


def test_none_is_drawn_once_for_each_instance_and_keras_seed_governs():
    def values():
        return [array(make((9,))) for make in (fk.RandomNormal(), fk.RandomNormal())]

    keras.utils.set_random_seed(5)
    first, second = values()
    assert not np.array_equal(first, second)
    keras.utils.set_random_seed(5)
    assert np.array_equal(values(), (first, second))
    for module in (fk, keras.initializers):
        make = module.RandomNormal()
        assert make.get_config()["seed"] is None
        assert np.array_equal(array(make((9,))), array(make((9,))))
        assert not np.array_equal(array(make((9,))), array(make.clone()((9,))))


def test_a_seed_generator_moves_on():
    generator = keras.random.SeedGenerator(11)
    uniform, normal = fk.RandomUniform(seed=generator), fk.RandomNormal(seed=generator)
    assert same(uniform((9,)), fi.initializers.uniform(9, low=-0.05, high=0.05, rng=[11, 0]))
    assert same(normal((9,)), fi.initializers.normal(9, loc=0, scale=0.05, rng=[11, 1]))
    assert same(normal((9,)), fi.initializers.normal(9, loc=0, scale=0.05, rng=[11, 2]))
    restored = fk.RandomNormal.from_config(json.loads(json.dumps(normal.get_config())))
    assert same(restored((9,)), fi.initializers.normal(9, loc=0, scale=0.05, rng=[11, 0])), (
        "Keras keeps the seed, not the state"
    )
    assert restored.get_config() == normal.get_config()
    for shape, dtype in (((2, "3"), None), ((2, -3), None), ((2,), "int32"), ((1 << 40, 1 << 40), None)):
        with pytest.raises((TypeError, ValueError), match=r"^(shape|dtype)"):
            normal(shape, dtype)
    with pytest.raises(ValueError, match="at least 2 axes"):
        fk.Orthogonal(seed=generator)((3,))
    assert same(normal((9,)), fi.initializers.normal(9, loc=0, scale=0.05, rng=[11, 3])), "a refused call takes no seed"


def test_a_variable_adds_its_path_through_functions_and_generators():
    shared = fk.RandomNormal(seed=3)
    twice = keras.Variable(lambda shape, dtype: 2 * shared(shape, dtype), shape=(9,), name="twice")
    plain = keras.Variable(shared, shape=(9,), name="plain")
    for variable, factor in ((twice, 2), (plain, 1)):
        own = fi.initializers.normal(9, loc=0, scale=0.05, rng=fi.default_rng(3).child(variable.path))
        assert same(variable.value, factor * own)
    assert same(shared((9,)), fi.initializers.normal(9, loc=0, scale=0.05, rng=3)), "a call by hand has no path"
    moving = fk.RandomNormal(seed=keras.random.SeedGenerator(3))
    moving((9,))
    own = fi.initializers.normal(9, loc=0, scale=0.05, rng=fi.default_rng([3, 1]).child("moved"))
    assert same(keras.Variable(moving, shape=(9,), name="moved").value, own)


@pytest.mark.parametrize("name", CLASSES)
def test_config_round_trips(name):
    arguments, shape, *_ = CLASSES[name]
    make = getattr(fk, name)(**seeded(name, 3))
    assert arguments.items() <= make.get_config().items()
    written = json.dumps(keras.saving.serialize_keras_object(make))
    assert f'"registered_name": "fastinit>{name}"' in written
    read = keras.saving.deserialize_keras_object(json.loads(written))
    again = [
        type(make).from_config(make.get_config()),
        make.clone(),
        read,
        copy.deepcopy(make),
        pickle.loads(pickle.dumps(make)),
    ]
    for copied in again:
        assert type(copied) is getattr(fk, name)
        assert copied.get_config() == make.get_config()
        assert np.array_equal(array(copied(shape)), array(make(shape)))


def test_numpy_numbers_become_plain_ones():
    make = fk.RandomNormal(np.float32(0.5), np.int64(2), np.uint8(3))
    assert json.loads(json.dumps(make.get_config())) == {"mean": 0.5, "stddev": 2, "seed": 3}
    assert make(()).shape == ()
    axes = fk.HeNormal(input_axes=(np.int64(0),), output_axes=np.array(1)).get_config()
    assert json.loads(json.dumps(axes)) == {"input_axes": [0], "output_axes": 1, "seed": None}


def test_a_subclass_is_its_own():
    class Mine(fk.TruncatedNormal):
        def __init__(self, width):
            super().__init__(stddev=width**-0.5, seed=1)

    assert list(inspect.signature(Mine).parameters) == ["width"]
    assert same(Mine(25)((3,)), fi.initializers.truncated_normal(3, scale=0.2, rng=1))
