"""Many backtests at once: parameters and days, on all cores here or on a Dask cluster."""
