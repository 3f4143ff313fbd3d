"""How much of a level is in front of a resting order: the models of the field.

``front_lots`` is what must trade before the order does; trades at its price take from it always.
RISK_AVERSE lets nothing else move it, but that it is never more than the level. The others also
share out what was cancelled: ``prob`` of it, as far as they guess, stood behind the order.

Formulas: Rigtorp, "Estimating Order Queue Position" (2013), and the models of hftbacktest 2.4,
whose results these give. A guess has fractions: these are float64, the orders themselves are not.
"""

import numpy as np

from appliance.abi.history import Queue
from appliance.hot.jit import hot, hot_inline


@hot_inline
def on_trade(order, lots):
    """So much was traded at the price of the order, by takers of its level."""
    order.front_lots -= lots
    order.traded_lots += lots


@hot
def on_level(order, before_lots, lots, model, power, lot_size):
    """The level of the order went from ``before_lots`` to ``lots``.

    ``lot_size`` is a lot in units of the asset: the logarithms depend on it.
    """
    if model == Queue.RISK_AVERSE:
        order.front_lots = min(order.front_lots, lots)
        return
    gone = before_lots - lots - order.traded_lots
    order.traded_lots = 0.0  # they are in this change
    if gone < 0:
        order.front_lots = min(order.front_lots, lots)
        return
    front = order.front_lots
    back = before_lots - front
    behind = probability(front * lot_size, back * lot_size, model, power)
    if np.isnan(behind):  # an empty level, or one that was traded beyond what it showed
        order.front_lots = lots
        return
    if np.isinf(behind):
        behind = 1.0
    front = front - (1.0 - behind) * gone + min(back - behind * gone, 0.0)
    order.front_lots = min(front, lots)


@hot
def probability(front, back, model, power):
    """That a cancelled order stood behind ours; NaN where nobody can say."""
    if model == Queue.POWER:
        return back**power / (back**power + front**power)
    if model == Queue.POWER_2:
        return back**power / (back + front) ** power
    if model == Queue.POWER_3:
        return 1.0 - (front / (front + back)) ** power
    if model == Queue.LOG:
        return np.log(1.0 + back) / (np.log(1.0 + back) + np.log(1.0 + front))
    return np.log(1.0 + back) / np.log(1.0 + back + front)


@hot_inline
def through_lots(order):
    """Lots that trades took beyond all that stood in front, to the nearest; none: 0."""
    if order.front_lots > -0.5:
        return 0
    return int(-order.front_lots + 0.5)
