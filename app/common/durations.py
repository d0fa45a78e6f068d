"""The durations of requests that are told apart."""

from typing import Final

#: Upper bounds in milliseconds; longer ones are not told apart.
BOUNDS: Final = (
    *(1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 400, 500, 700),
    *(1000, 1500, 2000, 3000, 5000, 7000, 10000),
)
