"""A simulated venue: Binance spot and USD-M as they are in 2026, on one loopback port.

The engine knows no socket and no clock: time is passed in, and what it has to say is handed out.
``floor`` puts one market together; everything below ``server`` is the aiohttp layer around it.
"""
