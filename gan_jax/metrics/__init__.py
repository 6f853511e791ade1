"""Figures from features and samples; pure functions of arrays."""
