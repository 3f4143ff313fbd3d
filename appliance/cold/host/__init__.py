"""The host that the loop runs on: what it should be (kernel-tuning/), what it is.

Standard library only: a controller renders the files of a profile with nothing installed.
"""
