"""How many files, sockets included, this process may have open at a time (`ulimit -n`)."""

import resource


def raise_limit(needed: int) -> int:
    """Raise the limit to `needed` if it is lower, as far as the system lets us.

    Children inherit it. Returns how many of the `needed` files may be open now.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return needed if soft == resource.RLIM_INFINITY else min(needed, soft)
