"""What a game puts before its discriminator, and what a term may look at in one update.

A :class:`Turn` says whose turn it is. The game's ``show_fn`` answers with :class:`Shown`. Each of
its two sides is judged once and becomes an :class:`Exhibit`. A :class:`Context` holds both, and
everything else that a :class:`Term` may use. A :class:`Memory` keeps what must outlive a round.

Trees of rows: arrays in dicts, tuples and lists, each with one row per example on its leading axis.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

Tree = Any  # of rows
Key = jax.Array
Reports = Mapping[str, jax.Array]
Values = jax.Array | tuple[jax.Array, Reports]
Weight = float | Callable[[jax.Array], jax.Array]


class Turn(NamedTuple):
    """Whose turn it is in a round.

    Attributes:
        step: rounds played before this one; int32.
        player: ``"generator"`` or ``"discriminator"``: whose update this is. A Python string, so
            that a branch on it costs nothing.
        memory: name -> value of ``Game.memory``, as it was when the round began.
    """

    step: jax.Array
    player: str
    memory: Mapping[str, Any] = {}


class Shown(NamedTuple):
    """What a game puts before its discriminator; trees of rows.

    Attributes:
        real: what the discriminator must call real: samples, pairs of them, codes.
        fake: what it must call fake, of the same structure, shapes and dtypes.
        condition: what the discriminator is told of ``real`` besides; None tells it nothing.
        fake_condition: what it is told of ``fake``, where that is another condition; None repeats
            ``condition``.
        extras: whatever else was made on the way and terms want: reconstructions, cycles, codes;
            trees of rows in a game with memory.
    """

    real: Tree
    fake: Tree
    condition: Tree = None
    fake_condition: Tree = None
    extras: Mapping[str, Any] = {}


class Exhibit(NamedTuple):
    """One side of what was shown, and what the discriminator said of it.

    Attributes:
        samples: as they were judged: augmented, packed.
        raw: as ``show_fn`` gave them.
        condition: what the discriminator was told.
        logits: what it said: one per row ``[B]`` or per patch ``[B, h, w]``, or a tree of them from
            several judges.
        sown: name -> tuple of all that the discriminator sowed under that name while it judged
            (``self.sow("intermediates", name, value)``).
        augment_fn: raw samples -> samples: the augmentation that was drawn for this side, once
            more.
        judge_fn: ``(samples, condition=this side's) -> (logits, sown)``: judged again, with this
            side's dropout.
    """

    samples: Tree
    raw: Tree = None
    condition: Tree = None
    logits: Tree = None
    sown: Mapping[str, tuple] = {}
    augment_fn: Callable[[Tree], Tree] | None = None
    judge_fn: Callable[..., tuple[Tree, Mapping[str, tuple]]] | None = None

    def logits_fn(self, samples: Tree, *condition: Tree) -> Tree:
        """The logits of other samples, judged as this side was; fewer rows bring their condition."""
        return self.judge_fn(samples, *condition)[0]


class Context(NamedTuple):
    """What a term may look at in one update of either player. A test gives just what its term needs.

    Gradients reach the player whose turn it is, and only that one, through everything here.

    Attributes:
        real: the real side, judged.
        fake: the fake side, judged.
        batch: the rows of the batch.
        latents: everything that the game drew for each example.
        extras: of :class:`Shown`.
        step: rounds played before this one.
        player: whose update this is.
        memory: name -> value of ``Game.memory``, as it was when the round began.
        generator_fn: ``(*args, method=None)``: a call of the generator in training mode. Pure: what
            it writes to running statistics is dropped, and JAX's transformations may wrap it.
        discriminator_fn: likewise of the discriminator.
        show_fn: latents -> :class:`Shown` of this batch, with the same dropout; pure.
        gather_fn: rows on this device -> rows of the global batch, for terms that compare rows with
            each other.
    """

    real: Exhibit
    fake: Exhibit
    batch: Tree = None
    latents: Tree = None
    extras: Mapping[str, Any] = {}
    step: jax.Array | int = 0
    player: str = ""
    memory: Mapping[str, Any] = {}
    generator_fn: Callable | None = None
    discriminator_fn: Callable | None = None
    show_fn: Callable[[Tree], Shown] | None = None
    gather_fn: Callable[[Tree], Tree] = lambda rows: rows


class Term(NamedTuple):
    """What a player minimises beside its adversarial loss: ``weight * mean(term_fn(key, context))``.

    Attributes:
        term_fn: ``(key, context) -> values``: one value per row ``[N]``, of any number of rows, or
            a scalar. It may return ``(values, reports)`` with ``reports`` name -> mean over rows,
            of any fixed shape: scalars are logged as ``player/term/name``, and a memory sees all of
            them. The key is fresh for each update.
        weight: a number, or a schedule of the round (:mod:`gan_jax.schedules`). In rounds where a
            schedule gives 0 the term is not computed, and logged as 0
            (:func:`gan_jax.game.scan.cond` says where it is computed all the same).
    """

    term_fn: Callable[[Key, Context], Values]
    weight: Weight = 1.0


class Rows(NamedTuple):
    """What one player's last update of a round looked at, for the global batch.

    Rows that ``show_fn`` joins (two leaves of latents, one after the other) are joined on each
    device, so that their order is another on several. A memory that picks rows by their place takes
    them from ``extras``, each leaf of B rows.
    """

    latents: Tree
    shown: Shown


class Seen(NamedTuple):
    """What a memory is updated from, once a round, after both players have stepped.

    Attributes:
        step: rounds played before this one.
        metrics: ``player/figure`` and ``player/term/report`` -> mean over that player's updates of
            the round.
        generator: the :class:`Rows` of its last update.
        discriminator: likewise.
    """

    step: jax.Array
    metrics: Mapping[str, jax.Array]
    generator: Rows
    discriminator: Rows


class Memory(NamedTuple):
    """What must outlive a round: a pool of images, a moving average, a probability.

    Attributes:
        init_fn: ``batch -> value``, a tree of arrays, from the rows of a first batch.
        update_fn: ``(key, value, seen) -> value`` of the same shapes and dtypes. It is called once
            a round, on every device with the same arguments; all updates of a round read the value
            from before it.
    """

    init_fn: Callable[[Tree], Tree]
    update_fn: Callable[[Key, Tree, Seen], Tree]


@jax.tree_util.register_pytree_with_keys_class
class Named(dict):
    """A dict that answers a name which it does not hold with those that it holds.

    Args:
        values: name -> value.
        message: with ``{name}`` and ``{names}``.
    """

    def __init__(self, values: Mapping[str, Any], message: str):
        super().__init__(values)
        self._message = message

    def __missing__(self, name: str):
        names = ", ".join(map(repr, self)) or "none"
        raise ValueError(self._message.format(name=repr(name), names=names))

    def tree_flatten_with_keys(self):
        """As JAX asks of a tree."""
        names = sorted(self)
        return [(jax.tree_util.DictKey(n), self[n]) for n in names], (tuple(names), self._message)

    @classmethod
    def tree_unflatten(cls, static, children):
        """As JAX asks of a tree."""
        names, message = static
        return cls(dict(zip(names, children, strict=True)), message)
