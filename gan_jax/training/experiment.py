"""An experiment: real objects, wired; and a run that is rebuilt from its folder."""

import dataclasses
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.data import Data
from gan_jax.data.batches import Feed, side_by_side
from gan_jax.data.dataset import Sources
from gan_jax.data.merged import merged
from gan_jax.data.named import BESIDE, seed_of
from gan_jax.drawing import DrawFn, Players, Samplers, generated
from gan_jax.drawing.artefacts import Artefact
from gan_jax.drawing.shown import ArtefactsFn, image_artefacts
from gan_jax.game import Game, alternating
from gan_jax.game.keys import MOST_SEED
from gan_jax.game.update import Play
from gan_jax.metrics.evaluators import Evaluator
from gan_jax.metrics.evaluators.evaluator import NAME
from gan_jax.training.loggers import LoggerFn, tensorboard
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.trust import check_trusted

INTERVALS = ("log", "sample", "evaluate", "save")
EvaluatorFn = Callable[..., Evaluator]  # (data, *, num_samples=...)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """Everything that a run needs.

    Attributes:
        game: the players and what they minimise.
        data: where examples come from and what is made of them.
        steps: rounds to train.
        batch_size: B, the global batch; or one for each source of unpaired data.
        play: the kind of play, of :mod:`gan_jax.game.plays` or one of your own.
        seed: of the initialisation, the data order and everything drawn.
        num_seeds: independent runs side by side in one program, with seeds ``seed``, ``seed + 1``,
            ...; all figures are then means over them. The data is that of one run.
        draw_fn: ``(players, latents, rows) -> samples``: what is drawn for artefacts and figures
            (:mod:`gan_jax.drawing.players`).
        draw_options: fields of the rows that ``draw_fn`` asks for, with their defaults, such as
            ``{"truncation": 1.0}``: one number for all samples.
        image_fn: ``(players, images [n, H, W, C]) -> images``: what restoration and translation make of
            images of any size, of a user's: ``sample RUN --condition IMAGES --out FOLDER`` calls it.
        standing_statistics_batches: before a generator draws, its running statistics are taken anew
            in so many passes of 64 latents (standing statistics); 40 leave 1.5 % of what was there.
            0 keeps the moving average of the live generator's.
        artefacts_fn: ``sampler -> {name: artefact}``: what the run shows (pictures, animations,
            sounds, texts: :mod:`gan_jax.drawing.artefacts`).
        file_fn: one sample -> the artefact that is its file in a folder of samples; without it,
            images become PNG, and everything else ``.npy``.
        evaluators: name -> ``data -> Evaluator``: what measures the samples
            (:mod:`gan_jax.metrics.evaluators`).
        evaluate_every_steps: when they are asked during training (before the first step and after
            the last too), so that the best step is kept; None keeps none: it asks them before the
            first step, and for the final figures.
        best_metric: the figure by which the best step is chosen, ``quality/frechet`` or its last
            part; None is the first one with a direction.
        patience: measurements without a new best after which the run stops; None plays all steps.
        loggers: where numbers and artefacts go beside the run's own files
            (:mod:`gan_jax.training.loggers`).
        steps_per_call: rounds in one call of the device; divides the numbers below and ``steps``.
        log_every_steps: when metrics leave the device.
        sample_every_steps: when artefacts are made.
        save_every_steps: when a checkpoint is written; the newest three are kept.
        keep_every_steps: of those, the ones that are kept for good; a multiple of the number above.
    """

    game: Game
    data: Data
    steps: int
    batch_size: int | Mapping[str, int]
    play: Play = alternating
    seed: int = 0
    num_seeds: int = 1
    draw_fn: DrawFn = generated
    draw_options: Mapping[str, float] = dataclasses.field(default_factory=dict)
    image_fn: Callable[[Players, Any], Any] | None = None
    standing_statistics_batches: int = 0
    artefacts_fn: ArtefactsFn = image_artefacts
    file_fn: Callable[[Any], Artefact] | None = None
    evaluators: Mapping[str, EvaluatorFn] = dataclasses.field(default_factory=dict)
    evaluate_every_steps: int | None = None
    best_metric: str | None = None
    patience: int | None = None
    loggers: Sequence[LoggerFn] = (tensorboard,)
    steps_per_call: int = 1
    log_every_steps: int = 100
    sample_every_steps: int = 500
    save_every_steps: int = 500
    keep_every_steps: int | None = None

    def __post_init__(self):
        for name in ("num_seeds", "steps_per_call"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.seed <= MOST_SEED - self.num_seeds + 1:
            raise ValueError(
                f"seeds must be in 0 .. {MOST_SEED}, got {self.num_seeds} from {self.seed} on"
            )
        if self.standing_statistics_batches < 0:
            raise ValueError(
                "standing_statistics_batches must not be negative, got "
                f"{self.standing_statistics_batches}"
            )
        if bad := [name for name in self.evaluators if not NAME.fullmatch(name)]:
            raise ValueError(
                f"the name of an evaluator must be an identifier such as quality, got {bad[0]!r}"
            )
        for name in ("steps", *(f"{what}_every_steps" for what in INTERVALS)):
            number = getattr(self, name)
            if name == "evaluate_every_steps" and number is None:
                continue
            if number < 1 or number % self.steps_per_call:
                raise ValueError(
                    f"{name} must be a positive multiple of steps_per_call={self.steps_per_call}, "
                    f"got {number}"
                )
        if self.keep_every_steps is not None and (
            self.keep_every_steps < 1 or self.keep_every_steps % self.save_every_steps
        ):
            raise ValueError(
                f"keep_every_steps must be a positive multiple of save_every_steps="
                f"{self.save_every_steps}, got {self.keep_every_steps}"
            )
        if self.evaluate_every_steps is not None and not self.evaluators:
            raise ValueError("evaluate_every_steps is set, but this experiment has no evaluators")
        if self.evaluate_every_steps is None and self.patience is not None:
            raise ValueError(
                f"patience={self.patience} counts measurements: set evaluate_every_steps too"
            )
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience must be at least 1 measurement, got {self.patience}")

    @property
    def root_key(self) -> jax.Array:
        """The key that every other key of the run is folded from; ``[num_seeds]`` of several."""
        if self.num_seeds == 1:
            return jax.random.key(self.seed)
        return jax.vmap(jax.random.key)(self.seed + jnp.arange(self.num_seeds))

    @property
    def rows(self) -> int:
        """Of the largest source in a batch: examples of a round, for rates."""
        size = self.batch_size
        return max(size.values()) if isinstance(size, Mapping) else size

    @property
    def members(self) -> list["Experiment"]:
        """The runs of one seed that this one is made of; itself alone where it has one seed."""
        return [
            dataclasses.replace(self, seed=self.seed + index, num_seeds=1)
            for index in range(self.num_seeds)
        ]


def samplers_of(experiment: Experiment, given: Any) -> Samplers:
    """What draws from the states of a run.

    Args:
        experiment: the experiment.
        given: rows that samples are made from where no data are read.
    """
    return Samplers(
        experiment.game,
        experiment.draw_fn,
        data=experiment.data,
        given=given,
        options=experiment.draw_options,
        standing_statistics_batches=experiment.standing_statistics_batches,
    )


def feed_of(experiment: Experiment) -> Feed:
    """The batches of every seed: of several processes, this one's rows."""
    source = experiment.data.training
    feeds = [_feed_of_member(member, source, member.seed) for member in experiment.members]
    return feeds[0] if len(feeds) == 1 else side_by_side(feeds)


def _feed_of_member(experiment: Experiment, source: Sources, seed: int, name: str = BESIDE) -> Feed:
    if isinstance(source, Mapping):
        feeds = {
            name: _feed_of_member(experiment, each, seed_of(seed, name), name)
            for name, each in source.items()
        }
        return merged(feeds, feeds.pop(BESIDE, None))
    size, data = experiment.batch_size, experiment.data
    batches = data.batches_fn(
        source,
        batch_size=size[name] if isinstance(size, Mapping) else size,
        seed=seed,
        steps_per_round=experiment.game.discriminator_steps,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )
    return batches.feed(data.prepare_fn, augment_fn=data.augment_fn)


def load_experiment_function(file: Path) -> Callable[..., Experiment]:
    """The function ``experiment`` of a Python file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it cannot be run, or has no ``experiment``.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: expected the experiment's Python file")
    if file.suffix != ".py":
        raise ValueError(
            f"{file} is no Python file: expected an experiment, such as mnist_dcgan.py"
        )
    spec = importlib.util.spec_from_file_location(f"gan_jax_experiment_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{file} cannot be run ({type(error).__name__}: {error})") from error
    if not callable(getattr(module, "experiment", None)):
        raise ValueError(f"{file} defines no function `experiment(...) -> Experiment`")
    return module.experiment


def built_by(function: Callable[..., Experiment], arguments: Mapping[str, Any]) -> Experiment:
    """The experiment that a function makes.

    Raises:
        TypeError: what it makes is none.
    """
    built = function(**arguments)
    if not isinstance(built, Experiment):
        raise TypeError(
            f"{function.__name__}(...) must return a gan_jax Experiment, got {type(built).__name__}"
        )
    return built


def rebuild(
    folder: RunFolder, *, data_dir: str | Path | None = None, trust: bool = False, **changed: Any
) -> Experiment:
    """The experiment of a run, from the copy of its file, its arguments and its options in the run folder.

    Args:
        folder: of the run.
        data_dir: where the data lies now; without it, where the run had it.
        trust: whether the copy may be executed though it is a stranger's
            (:mod:`gan_jax.training.trust`).
        **changed: other arguments that are not what the run had.

    Raises:
        FileNotFoundError: this is no run folder.
        ValueError: the run was trained without a file, or by a stranger, or reads its data from no
            folder.
    """
    config = folder.config()
    if missing := [name for name in ("experiment", "arguments") if name not in config]:
        raise ValueError(
            f"{folder.config_file} says nothing of {' and '.join(missing)}: it is no run's, or damaged"
        )
    if config["experiment"] is None:
        raise ValueError(
            f"{folder.path} was trained without an experiment file, so nothing can rebuild it: in Python, "
            "gan_jax.open_run(path, experiment=...) with the experiment that was trained"
        )
    arguments = {name: _hashable(value) for name, value in config["arguments"].items()} | changed
    if data_dir is not None:
        if "data_dir" not in arguments:
            raise ValueError(
                f"{config['experiment']} has no argument data_dir: its arguments are {', '.join(arguments)}"
            )
        arguments["data_dir"] = str(data_dir)
    check_trusted(folder.experiment_file, trust=trust)
    built = built_by(load_experiment_function(folder.experiment_file), arguments)
    game = dataclasses.replace(built.game, micro_batches=config.get("micro_batches", 1))
    options = {"num_seeds": config.get("num_seeds", 1), **config.get("options", {})}
    return dataclasses.replace(built, game=game, **options)


def _hashable(value):
    return tuple(map(_hashable, value)) if isinstance(value, list) else value
