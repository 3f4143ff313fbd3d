"""Exchange bytes to integers, compiled. Start at frame.py."""
