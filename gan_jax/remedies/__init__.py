"""Remedies against instability and mode collapse: one file each, each a function for a field of a Game.

======================  ====================================================  ==========================
remedy                  where it goes                                         file
======================  ====================================================  ==========================
packing                 ``Game.augment_fn``                                   packing.py
DiffAugment             ``Game.augment_fn``                                   diff_augment.py
ADA                     ``Game.augment_fn`` and ``Game.memory``               adaptive_augmentation.py
instance noise          ``Game.augment_fn``                                   instance_noise.py
consistency (bCR, zCR)  ``Game.discriminator_terms``; zCR both players'       consistency.py
LeCam                   ``Game.discriminator_terms`` and ``Game.memory``      lecam.py
drift                   ``Game.discriminator_terms``                          drift.py
feature matching        ``Game.generator_terms``                              feature_matching.py
top-k                   ``Game.generator_mean_fn``                            top_k.py
weight clipping         ``Game.discriminator_optimizer``                      weight_clipping.py
historical averaging    either optimiser                                      historical_averaging.py
path lengths            ``Game.generator_terms`` and ``Game.memory``          path_length.py
orthogonal weights      ``Game.generator_optimizer``                          orthogonal.py
auxiliary classes       both players' terms, and the discriminator's head     auxiliary_classes.py
D2D-CE (ReACGAN)        both players' terms, and the discriminator's head     data_to_data.py
information (InfoGAN)   both players' terms, the head and the latents         mutual_information.py
K + 1 classes           ``Game.discriminator_terms``, and its logit           semi_supervised.py
reconstruction (ALICE)  ``Game.generator_terms``, shown by its ``show_fn``    reconstruction.py
REINFORCE, MaliGAN      ``Game.generator_terms``, of tokens in its show       policy_gradient.py
evidence (VAE, IWAE)    ``Game.generator_terms``, the latents and the show    variational.py
======================  ====================================================  ==========================

Elsewhere, because they are more than remedies:

- gradient penalties (R1, R2, WGAN-GP, DRAGAN): :mod:`gan_jax.penalties` in ``Game.discriminator_terms``, with a
  schedule or lazily: :mod:`gan_jax.schedules`;
- one-sided label smoothing: an argument of the losses in :mod:`gan_jax.losses`;
- single augmentations: :mod:`gan_jax.augment` in ``Game.augment_fn``; those of ADA, with any probability:
  :mod:`gan_jax.remedies.augmentation_pipe`;
- spectral normalisation and minibatch standard deviation: :mod:`gan_jax.models`;
- kinds of play (simultaneous, unrolled, extragradient, consensus): :mod:`gan_jax.game.plays`; the moving average:
  :mod:`gan_jax.ema`; optimistic play is an optimiser, ``optax.optimistic_gradient_descent`` or
  ``optax.optimistic_adam_v2``;
- two time scales and decay: the two optimisers' learning rates, numbers or optax's schedules.
"""
