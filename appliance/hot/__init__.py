"""Compiled code: no allocation, no exception, no lock, no Python object. Start at duty_cycle.py."""
