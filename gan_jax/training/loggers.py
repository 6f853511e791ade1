"""Where a run's numbers and artefacts go, beside the files that every run writes.

``Experiment(loggers=(tensorboard, my_logger))``. A logger is made of a :class:`RunInfo` and has three
methods, so one for another tracker is ten lines:

    class Printer:
        def __init__(self, run): self.name = run.path.name
        def scalars(self, step, values): print(self.name, step, dict(values))
        def artefact(self, step, name, value): pass
        def close(self, lines): print(len(lines), "final figures")

``metrics.jsonl``, ``figures.jsonl`` and the artefacts' own files are always written and need none.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from gan_jax.drawing.artefacts import Animation, Artefact, Audio, Picture, encode
from gan_jax.training.event_files import merge_events
from gan_jax.training.figures_log import Line


class RunInfo(NamedTuple):
    """What a logger knows of its run.

    Attributes:
        path: the run folder.
        config: what ``config.json`` says: experiment, arguments, data, options, versions.
        first_step: rounds that were played before this start; 0 of a new run.
    """

    path: Path
    config: Mapping[str, Any]
    first_step: int


class Logger(Protocol):
    """Takes what a run reports, on the first process."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by their names in ``metrics.jsonl``; a figure that could not be measured is left out."""

    def artefact(self, step: int, name: str, value: Artefact) -> None:
        """One artefact: a picture, an animation, a sound or a text."""

    def close(self, lines: Sequence[Line]) -> None:
        """The end of this start, whatever ended it.

        Args:
            lines: the final figures; none where the run did not come to its end.
        """


LoggerFn = Callable[[RunInfo], Logger]


class Loggers:
    """Several loggers as one. One that fails is reported once and left out: training goes on.

    Args:
        makers: one for each logger.
        run: what they know of their run.
        warn_fn: takes the sentence that reports a failure.
    """

    def __init__(self, makers: Sequence[LoggerFn], run: RunInfo, warn_fn: Callable[[str], None]):
        self._warn_fn = warn_fn
        self._loggers: list[Logger] = []
        for maker in makers:
            try:
                self._loggers.append(maker(run))
            except Exception as error:
                self._report(maker, error)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """As of :class:`Logger`."""
        self._each(lambda logger: logger.scalars(step, values))

    def artefact(self, step: int, name: str, value: Artefact) -> None:
        """As of :class:`Logger`."""
        self._each(lambda logger: logger.artefact(step, name, value))

    def close(self, lines: Sequence[Line]) -> None:
        """As of :class:`Logger`."""
        self._each(lambda logger: logger.close(lines))

    def _each(self, call: Callable[[Logger], None]) -> None:
        for logger in tuple(self._loggers):
            try:
                call(logger)
            except Exception as error:
                self._loggers.remove(logger)
                self._report(type(logger), error)

    def _report(self, maker: LoggerFn, error: Exception) -> None:
        name = getattr(maker, "__name__", type(maker).__name__)
        self._warn_fn(f"the logger {name} failed and is left out ({type(error).__name__}: {error})")


class TensorBoard:
    """Everything into ``RUN/tensorboard``: ``tensorboard --logdir RUN``.

    Args:
        run: its steps after ``first_step``, of a start that was killed, are dropped.
    """

    def __init__(self, run: RunInfo):
        from tensorboardX import SummaryWriter

        self._folder = run.path / "tensorboard"
        # of a run that has saved nothing, nothing counts: it begins anew
        merge_events(self._folder, last_step=run.first_step or -1)
        # a TensorBoard that watches forgets the later steps too
        self._writer = SummaryWriter(str(self._folder), purge_step=run.first_step + 1)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Curves."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def artefact(self, step: int, name: str, value: Artefact) -> None:
        """Images (animations too), audio and text, with the bytes of the run's own files."""
        match value:
            case Picture(image):
                self._add(step, name, image=_image(value, *image.size))
            case Animation(frames):
                self._add(step, name, image=_image(value, frames.shape[2], frames.shape[1]))
            case Audio(samples, rate):
                self._add(step, name, audio=_audio(value, samples, rate))
            case _:
                self._writer.add_text(name, value.text, step)

    def _add(self, step: int, name: str, **content: Any) -> None:
        from tensorboardX.proto.summary_pb2 import Summary

        summary = Summary(value=[Summary.Value(tag=name, **content)])
        self._writer.file_writer.add_summary(summary, step)

    def close(self, lines: Sequence[Line]) -> None:
        """Ends the file, and joins it to that of earlier starts."""
        self._writer.close()
        merge_events(self._folder)


tensorboard: LoggerFn = TensorBoard


def _image(artefact: Artefact, width: int, height: int) -> dict[str, Any]:
    content = encode("image", artefact)[1]
    return dict(encoded_image_string=content, width=width, height=height, colorspace=3)


def _audio(artefact: Audio, samples: Any, rate: int) -> dict[str, Any]:
    return dict(
        encoded_audio_string=encode("audio", artefact)[1],
        content_type="audio/wav",
        sample_rate=rate,
        length_frames=len(samples),
        num_channels=1 if samples.ndim == 1 else samples.shape[1],
    )
