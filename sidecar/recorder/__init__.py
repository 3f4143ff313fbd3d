"""Records the frames of the venue as they came: capture rings in, files of the field out."""
