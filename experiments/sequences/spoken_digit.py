"""Ask for a digit and hear it: a narrow WaveGAN on spoken digits, judged as a wave and as a spectrogram.

    python experiments/sequences/spoken_digit.py --data-dir DIR            # a folder that holds spoken_digit/1.0.9
    python experiments/sequences/spoken_digit.py --data-dir DIR --speakers # who says it is asked for, too
    python experiments/sequences/spoken_digit.py --recordings FOLDER       # WAV files, a subfolder for each class
    python -m gan_jax sample runs/spoken_digit --condition 7 --out sevens.wav

WaveGAN (Donahue et al. 2019, arXiv 1802.04208) draws the 8,192 samples of a second at 8 kHz. Besides the paper's
judge of waves there is one of log-mel spectrograms, a DCGAN's, since ears hear both; ``--judges wave`` is the
paper's game. What is not the paper's: networks an eighth as wide and told the digit, batch norm in the generator,
the non-saturating loss with R1 (Mescheder et al. 2018, arXiv 1801.04406) instead of WGAN-GP, and one update of each
player a round instead of five.

Measured (seed 0, 3,000 steps, 300 recordings, 16 minutes of training on a busy core): 87.0 +- 1.9 % are the digit that
was asked for (held-out takes 97.3 %), with a Frechet distance of 13.1 +- 1.6 (held-out takes 2.9, one speaker only
30.5, noise 3,402). It still improved.
"""

from functools import cache, partial
from pathlib import Path
from typing import Literal

import optax
from flax.linen.initializers import he_normal

from gan_jax import losses, penalties
from gan_jax.data import Data
from gan_jax.data.audio import (
    folder_recordings,
    parted,
    recording_fields,
    spoken_digits,
    with_speakers,
)
from gan_jax.drawing.artefacts import Audio
from gan_jax.drawing.sounds import sound_artefacts
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.asked import asked_class
from gan_jax.metrics.evaluators.sounds import sounds
from gan_jax.metrics.networks.sounds import of_log_mel
from gan_jax.models.blocks import BatchNorm
from gan_jax.models.dcgan import DCGANDiscriminator
from gan_jax.models.judges import Judges, views
from gan_jax.models.wavegan import WaveGANDiscriminator, WaveGANGenerator
from gan_jax.spectrogram import LogMel
from gan_jax.training import Experiment, main

RATE, LENGTH = 8000, 8192  # 99.4 % of the recordings are no longer
DIGITS, SPEAKERS = 10, 6


def experiment(
    *,
    data_dir: Path | None = None,
    split: str = "train",
    recordings: Path | None = None,
    num_classes: int = DIGITS,
    speakers: bool = False,
    held_out_takes: int = 5,
    held_out_speaker: str | None = None,
    judges: Literal["both", "wave", "mel"] = "both",
    seed: int = 0,
    steps: int = 3000,
    batch_size: int = 16,
    latent_size: int = 64,
    learning_rate: float = 1e-3,
    r1_weight: float = 0.1,
    phase_shuffle: int = 2,
    widths: tuple[int, ...] = (128, 64, 32, 16, 8),
    wave_widths: tuple[int, ...] = (8, 16, 32, 64, 128),
    mel_widths: tuple[int, ...] = (16, 32, 64, 128),
    mel_bands: int = 32,
    num_samples: int = 300,
    classifier_steps: int = 1000,
) -> Experiment:
    """A WaveGAN of spoken digits, with a judge of waves and one of spectrograms.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        split: of spoken_digit, such as train or train[:500].
        recordings: a folder of WAV files instead, with a subfolder for each class; a tenth of them is
            never trained on.
        num_classes: its subfolders, of which there are so many.
        speakers: whether who says the digit is asked for, too.
        held_out_takes: of each speaker and digit, the first takes, which are never trained on.
        held_out_speaker: all recordings of this one are never trained on, instead.
        judges: who looks: at waves, at spectrograms, or both.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: recordings per update.
        latent_size: numbers that a sound starts from, beside the label.
        learning_rate: of both players' Adam; it falls to a tenth along a cosine.
        r1_weight: gamma of R1, of each judge.
        phase_shuffle: steps by which the judge of waves shifts what it has seen, at most; 0 is none.
        widths: channels before each transposed convolution, from 8 steps.
        wave_widths: channels of the judge of waves after each convolution.
        mel_widths: likewise of the judge of spectrograms.
        mel_bands: of its spectrograms; the ones that are measured have 40.
        num_samples: that are measured, at most as many as there are held-out recordings.
        classifier_steps: training of the classifier that recognises digits.
    """
    if speakers and recordings is not None:
        raise ValueError("--speakers asks for the speakers of spoken_digit: leave out --recordings")
    if recordings is None and num_classes != DIGITS:
        raise ValueError(f"spoken_digit has {DIGITS} digits, got --num-classes {num_classes}")

    @cache
    def digits():
        source = spoken_digits(data_dir=data_dir, split=split, length=LENGTH)
        source = with_speakers(source) if speakers else source
        return parted(source, first_takes=held_out_takes, speaker=held_out_speaker)

    def of_folder():
        return folder_recordings(
            recordings, rate=RATE, length=LENGTH, labels="subfolders", num_classes=num_classes
        )

    read = dict(source_fn=lambda: digits()[0], held_out_fn=lambda: digits()[1])
    if recordings is not None:
        read = dict(source_fn=of_folder, held_out_share=0.1)

    def asked_digit(rows):
        return rows["condition"] // SPEAKERS if speakers else rows["condition"]

    schedule = optax.cosine_decay_schedule(learning_rate, steps, alpha=0.1)
    adam = optax.adam(schedule, b1=0.5, b2=0.99)
    told = dict(num_classes=DIGITS * SPEAKERS if speakers else num_classes, kernel_init=he_normal())
    wave = WaveGANDiscriminator(wave_widths, shuffle=phase_shuffle, **told)
    mel = DCGANDiscriminator(mel_widths, kernel_size=4, **told)
    looking = {"wave": wave, "mel": mel}
    seen = {"wave": lambda waves: waves, "mel": LogMel(RATE, bands=mel_bands)}
    names = tuple(looking) if judges == "both" else (judges,)
    game = Game(
        generator=WaveGANGenerator(LENGTH, widths, norm_fn=BatchNorm, **told),
        discriminator=Judges({name: looking[name] for name in names}),
        loss=losses.non_saturating(),
        generator_optimizer=adam,
        discriminator_optimizer=adam,
        latent_size=latent_size,
        show_fn=views(**{name: seen[name] for name in names}),
        discriminator_terms={
            "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
        },
    )
    spectrogram = LogMel(RATE)
    network_fn = partial(of_log_mel, spectrogram=spectrogram, steps=classifier_steps)
    measured = dict(network_fn=network_fn, num_samples=num_samples)
    return Experiment(
        game=game,
        data=Data(**read, prepare_fn=recording_fields),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        artefacts_fn=sound_artefacts(rate=RATE, spectrogram_fn=spectrogram),
        file_fn=partial(Audio, rate=RATE),
        evaluators={
            "recognized": partial(asked_class, asked_fn=asked_digit, **measured),
            "sounds": partial(sounds, spectrogram=spectrogram, **measured),
        },
        evaluate_every_steps=500,
        best_metric="sounds/frechet",
        log_every_steps=50,
        sample_every_steps=500,
        save_every_steps=500,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            split="train[:200]",
            steps=4,
            batch_size=8,
            widths=(16, 8, 8, 4, 4),
            wave_widths=(4, 4, 4, 8, 8),
            mel_widths=(4, 8),
            classifier_steps=4,
        ),
    )
