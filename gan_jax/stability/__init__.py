"""The theory of stability: exact games, and the Jacobians of steps and vector fields."""
