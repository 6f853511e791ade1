"""What one does with a run: ``python -m gan_jax NAME``."""
