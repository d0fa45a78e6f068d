"""The limit of open files of this process, including sockets (`ulimit -n`)."""

import resource


def raise_limit(needed: int) -> int:
    """Raise the limit to `needed` if it is lower, as far as the system allows.

    Child processes inherit it. Returns the new limit, at most `needed`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return needed if soft == resource.RLIM_INFINITY else min(needed, soft)
