"""Strategies. Write your own after market_maker.py; what it may use is in api.py."""
