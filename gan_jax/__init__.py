"""gan_jax: generative adversarial networks as pure functions in JAX.

Rooms, from the mathematics up; imports point the other way:

- ``losses``, ``penalties``, ``augment``, ``schedules``, ``optimizers``, ``ema``: functions of arrays
- ``context``: what a game shows its discriminator, and what a term may look at
- ``remedies``: one file each against instability and mode collapse
- ``models``: Flax generators and discriminators
- ``game``: the state of a run, what is static about it, the pure training step, the kinds of play
- ``stability``: games with a closed form, and the Jacobian of a step
- ``data``: sources, and the batch of step n
- ``drawing``: both networks in evaluation mode, what draws with them, and what it becomes: pictures,
  animations, sounds, texts
- ``metrics``: figures from samples
- ``training``: experiments, the loop, devices, checkpoints, logs
- ``commands``: ``python -m gan_jax NAME``, on a run or an experiment
"""

__version__ = "0.1.0"
