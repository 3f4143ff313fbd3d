"""A live session against the backtest of its recording: decision by decision."""
