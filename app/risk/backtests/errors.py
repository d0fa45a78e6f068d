"""Why a backtest cannot be started or shown."""

from app.common.errors import Conflict, NotFound


class BacktestNotFound(NotFound):
    code = "RISK_BACKTEST_NOT_FOUND"
    message = "Backtest not found"


class TooManyBacktests(Conflict):
    code = "RISK_TOO_MANY_BACKTESTS"
    message = "Other backtests are running; wait until one of them has finished"
