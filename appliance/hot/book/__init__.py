"""The book: levels in fixed memory, synchronised by ids, checked against the venue's own top."""
