"""Several hosts on one machine: the shop on engines that others have proven, and what happens when
one of them fails.

`./flow lab up` makes a network namespace for each host, on a bridge of its own, and starts the
servers in them. `./flow lab drill` breaks something while a client buys. For Linux and root.
"""
