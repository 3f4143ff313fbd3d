"""The contract: the layout of every shared-memory record. NumPy and the standard library only."""
