"""The market of a backtest: a simulated venue and the wire to it, compiled."""
