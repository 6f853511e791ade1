"""Remedies against instability and mode collapse: one file each, each a function for a field of a Game.

======================  ====================================================  ==========================
remedy                  where it goes                                         file
======================  ====================================================  ==========================
packing                 ``Game.augment_fn``                                   packing.py
instance noise          ``Game.augment_fn``                                   instance_noise.py
consistency (bCR, zCR)  ``Game.penalties``; zCR ``Game.generator_terms`` too  consistency.py
LeCam                   ``Game.penalties``                                    lecam.py
feature matching        ``Game.generator_terms``                              feature_matching.py
top-k                   ``Game.generator_mean_fn``                            top_k.py
weight clipping         ``Game.discriminator_optimizer``                      weight_clipping.py
historical averaging    either optimiser                                      historical_averaging.py
======================  ====================================================  ==========================

Elsewhere, because they are more than remedies:

- gradient penalties (R1, R2, WGAN-GP, DRAGAN): :mod:`gan_jax.penalties`, with a schedule or lazily:
  :mod:`gan_jax.schedules`;
- one-sided label smoothing: an argument of the losses in :mod:`gan_jax.losses`;
- differentiable augmentation: :mod:`gan_jax.augment` in ``Game.augment_fn``;
- spectral normalisation and minibatch standard deviation: :mod:`gan_jax.models`;
- kinds of play (simultaneous, unrolled, extragradient, consensus) and the moving average:
  :mod:`gan_jax.game`; optimistic play is an optimiser, ``optax.optimistic_gradient_descent`` or
  ``optax.optimistic_adam_v2``;
- two time scales and decay: the two optimisers' learning rates, numbers or optax's schedules.
"""
