"""Never trades: watch the book and the latencies alone."""


def on_market(view, own, params, state, orders):
    pass
