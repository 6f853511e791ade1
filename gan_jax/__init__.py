"""gan_jax: generative adversarial networks as pure functions in JAX.

Rooms, from the mathematics up; imports point the other way:

- ``losses``, ``penalties``, ``augment``: functions of arrays
- ``models``: Flax generators and discriminators
- ``game``: the state of a run, what is static about it, and the pure training step
- ``data``: sources, and the batch of step n
- ``metrics``: figures from samples
- ``training``: experiments, the loop, devices, checkpoints, logs
"""

__version__ = "0.1.0"
