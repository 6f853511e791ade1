"""A run's folder: where everything lies.

config.json     experiment, arguments, data, options, versions    experiment.py   a copy of its file
history.jsonl   one line a start                                   given.npz       rows to draw from
metrics.jsonl   what the steps report                              figures.jsonl, protocols.json   what was measured
artefacts/NAME/step_00001000.png   evaluations/   samples.gif   curves.png   summary.json   tensorboard/
checkpoints/  checksums/  best/    states         unreadable_checkpoints/, set_aside/   moved out of the way
.lock           who trains in it
"""

import os
from pathlib import Path
from typing import Any

from gan_jax.training.batch_record import shapes_from_json
from gan_jax.training.json_files import read_object

# What the fields of a configuration are, where it has them.
_KINDS = {"arguments": dict, "batch": dict, "options": dict, "names": dict, "num_seeds": int}


class RunFolder:
    """The paths of one run.

    Args:
        path: the folder; made by :meth:`prepare`.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config_file = self.path / "config.json"
        self.experiment_file = self.path / "experiment.py"
        self.history_file = self.path / "history.jsonl"
        self.given_file = self.path / "given.npz"
        self.metrics_file = self.path / "metrics.jsonl"
        self.figures_file = self.path / "figures.jsonl"
        self.protocols_file = self.path / "protocols.json"
        self.summary_file = self.path / "summary.json"
        self.curves_file = self.path / "curves.png"
        self.animation_file = self.path / "samples.gif"
        self.lock_file = self.path / ".lock"
        self.evaluations = self.path / "evaluations"
        self.artefacts = self.path / "artefacts"
        self.checkpoints = self.path / "checkpoints"  # their checksums lie beside it
        self.best = self.path / "best" / "checkpoints"  # beside its own checksums
        self.unreadable = self.path / "unreadable_checkpoints"
        self.set_aside = self.path / "set_aside"
        self.tensorboard = self.path / "tensorboard"

    def kept_rows_file(self, evaluator: str, *parts: str) -> Path:
        """``evaluations/quality/generated_step_00001000.npz``: values of each example."""
        return self.evaluations / evaluator / f"{'_'.join(parts).replace('/', '_')}.npz"

    def artefact_files(self, step: int) -> list[Path]:
        """Every artefact of a step."""
        return sorted(self.artefacts.glob(f"*/step_{step:08d}.*"))

    def prepare(self) -> None:
        """Makes the folder and sees that files can be written in it.

        Raises:
            OSError: it cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".probe_{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise OSError(
                f"the run folder {self.path} cannot be written ({error.strerror or error}): choose "
                "another with --run-dir"
            ) from error

    def config(self) -> dict[str, Any]:
        """The run's configuration.

        Raises:
            FileNotFoundError: this is no run folder.
            ValueError: the file holds no JSON object, or one of other fields.
        """
        if not self.config_file.is_file():
            raise FileNotFoundError(
                f"{self.path} is no run folder: expected {self.config_file.name} in it, as an "
                "experiment writes"
            )
        config = read_object(self.config_file)
        for name, kind in _KINDS.items():
            if not isinstance(config.get(name, kind()), kind):
                raise ValueError(
                    f"{self.config_file}: {name} must be {kind.__name__}, got {config[name]!r}: put the run's own "
                    "file back"
                )
        return config

    def summary(self) -> dict[str, Any]:
        """What the run left when it ended; empty while it goes on.

        Raises:
            ValueError: the file holds no JSON object.
        """
        return read_object(self.summary_file) if self.summary_file.is_file() else {}

    def batch_shapes(self) -> Any:
        """The shapes of a batch of the run; None in a folder of an older version."""
        recorded = self.config().get("batch")
        try:
            return None if recorded is None else shapes_from_json(recorded)
        except (AttributeError, TypeError) as error:
            raise ValueError(
                f"{self.config_file}: batch must hold shapes and dtypes, got {recorded}: put the run's own file back"
            ) from error
