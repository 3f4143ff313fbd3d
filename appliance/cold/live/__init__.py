"""The session with the venue: connections, snapshots, clock, log-on, questions.

One asyncio loop on a housekeeping core does all of it; the hot loop never waits for anything here.
"""
