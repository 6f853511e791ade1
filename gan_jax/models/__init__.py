"""Flax generators and discriminators, one file per family.

Every generator is called ``(latents, condition=None, *, train)`` and every discriminator
``(samples, condition=None, *, train)``.
"""
