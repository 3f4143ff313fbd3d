"""Backtests: history in, the engine around the compiled simulation, results out."""
