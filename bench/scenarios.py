"""The scenarios by name, in the order in which they run: the longest history comes last."""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final
from uuid import UUID

from bench import hello, http_requests, limits, screening
from bench.measurement import CONNECTIONS, Result, load
from bench.shop import Shop, User

#: bcrypt takes a quarter of a second of CPU time, so more connections would only wait longer.
_LOGIN_CONNECTIONS: Final = 4

#: Lower than the achieved rates, so that the scenarios end within their time.
_WEBHOOKS_PER_SECOND: Final = 200
_PAIRS_PER_SECOND: Final = 300
_PAIRS_PER_SECOND_AND_CONNECTION: Final = 60
_MIXED_PER_SECOND: Final = 600

#: Offset of the deep page, in a history that is long enough.
_DEEP_OFFSET: Final = 100_000
_PAGE_SIZE: Final = 20

#: Runs a scenario for about the given number of seconds.
Run = Callable[[Shop, float], Result]


@dataclass(frozen=True)
class Scenario:
    """baselines: the scenarios it is compared with. lone: one request at a time, and shorter."""

    name: str
    run: Run
    baselines: tuple[str, ...] = ()
    lone: bool = False


def _limit(
    products: Callable[[Shop], list[UUID]],
    script: str = "purchase",
    *,
    lock: bool = True,
    clients: int = CONNECTIONS,
    receiver: str = "",
) -> Run:
    return lambda shop, seconds: limits.measure(
        shop,
        script,
        products=products(shop),
        lock=lock,
        seconds=seconds,
        clients=clients,
        receiver=receiver,
    )


def _buy(
    products: Callable[[Shop], list[UUID]],
    buyers: Callable[[Shop], Sequence[User]] = lambda shop: shop.buyers,
    *,
    connections: int = CONNECTIONS,
    fresh: bool = False,
) -> Run:
    """Random buyers and products, as in the pgbench script."""

    def run(shop: Shop, seconds: float) -> Result:
        rng = random.Random(20261121)  # noqa: S311 – guards nothing
        users, ids = buyers(shop), products(shop)
        requests = [http_requests.purchase(rng.choice(users), rng.choice(ids)) for _ in range(2000)]
        return load(
            shop.servers,
            requests,
            seconds=seconds,
            expected={"201"},
            connections=connections,
            fresh=fresh,
        )

    return run


def _many_buyers(shop: Shop, seconds: float) -> Result:
    """All buyers buy the same product, each over a separate connection."""
    requests = [http_requests.purchase(buyer, shop.hot) for buyer in shop.buyers]
    return load(
        shop.servers, requests, seconds=seconds, expected={"201"}, connections=len(shop.buyers)
    )


def warm_up(shop: Shop) -> None:
    """Send requests that are not measured: the first ones take longer."""
    _buy(_hot)(shop, 0.5)


def _unscreened(shop: Shop, seconds: float) -> Result:
    """The hot product without any risk rule."""
    screening.without_rules(shop.servers)
    try:
        return _buy(_hot)(shop, seconds)
    finally:
        screening.with_seeded_rules(shop.servers)


def _screened(shop: Shop, seconds: float) -> Result:
    """The hot product with many risk rules."""
    screening.with_rules(shop.servers)
    try:
        return screening.with_latency(shop.servers, _buy(_hot)(shop, seconds))
    finally:
        screening.with_seeded_rules(shop.servers)


def _sell_out(*, buyers: int, units: int) -> Run:
    """More buyers than units: each sends one purchase, and exactly `units` of them succeed."""

    def run(shop: Shop, _: float) -> Result:
        (product,) = shop.products(shop.merchants[2:3], units=units)
        requests = [
            http_requests.purchase(shop.buyers[n % len(shop.buyers)], product)
            for n in range(buyers)
        ]
        expected = {"201": units, "400 PRODUCT_OUT_OF_STOCK": buyers - units}
        return load(shop.servers, requests, seconds=None, expected=expected)

    return run


def _send(
    requests: Callable[[Shop], list[str]],
    *,
    connections: int = CONNECTIONS,
    expected: Collection[str] = ("200",),
) -> Run:
    return lambda shop, seconds: load(
        shop.servers, requests(shop), seconds=seconds, expected=expected, connections=connections
    )


def _transfer(receiver_of: Callable[[Shop, int], User], connections: int) -> Run:
    """Each buyer sends money to the receiver of their number."""
    return _send(
        lambda shop: [
            http_requests.transfer(sender, receiver_of(shop, number))
            for number, sender in enumerate(shop.buyers)
        ],
        expected={"201"},
        connections=connections,
    )


def _next_buyer(shop: Shop, number: int) -> User:
    return shop.buyers[(number + 1) % len(shop.buyers)]


def _hold_and_capture(connections: int) -> Run:
    """Pairs of a new hold and a capture of an older one."""

    def run(shop: Shop, seconds: float) -> Result:
        pairs = int(
            seconds * min(_PAIRS_PER_SECOND, _PAIRS_PER_SECOND_AND_CONNECTION * connections)
        )
        captures, holds = _captures(shop, pairs), _holds(shop, pairs)
        requests = [request for pair in zip(holds, captures, strict=True) for request in pair]
        return load(
            shop.servers, requests, seconds=None, expected={"200", "201"}, connections=connections
        )

    return run


def _holds(shop: Shop, count: int) -> list[str]:
    buyers, merchants = cycle(shop.buyers), cycle(shop.merchants)
    return [
        http_requests.hold(payer, payee)
        for payer, payee in islice(zip(buyers, merchants, strict=False), count)
    ]


def _captures(shop: Shop, count: int) -> list[str]:
    """Captures of holds that are placed for this."""
    load(shop.servers, _holds(shop, count), seconds=None, expected={"201"})
    merchants = {merchant.id: merchant for merchant in shop.merchants}
    rows = shop.servers.sql(
        "SELECT payee_id, id FROM wallet_holds WHERE status = 'ACTIVE' AND payee_id IS NOT NULL"
        " ORDER BY id DESC LIMIT %(count)s",
        count=count,
    )
    return [http_requests.capture(merchants[payee_id], hold_id) for payee_id, hold_id in rows]


def _refunds(shop: Shop, count: int) -> list[str]:
    """Refunds of orders that are placed for this."""
    buyers, products = cycle(shop.buyers), cycle(shop.product_per_merchant)
    purchases = [
        http_requests.purchase(buyer, product)
        for buyer, product in islice(zip(buyers, products, strict=False), count)
    ]
    load(shop.servers, purchases, seconds=None, expected={"201"})
    merchants = {merchant.id: merchant for merchant in shop.merchants}
    rows = shop.servers.sql(
        "SELECT merchant_id, id FROM orders WHERE status = 'COMPLETED' AND refunded_amount = 0"
        " ORDER BY id DESC LIMIT %(count)s",
        count=count,
    )
    return [
        http_requests.refund(merchants[merchant_id], order_id) for merchant_id, order_id in rows
    ]


def _mixed(shop: Shop, seconds: float) -> Result:
    """Half purchases, 20 % transfers, 15 % deposits, 10 % holds and captures, 5 % refunds."""
    twentieths = int(seconds * _MIXED_PER_SECOND / 20)
    rng = random.Random(20261126)  # noqa: S311 – guards nothing
    requests = [*_captures(shop, twentieths), *_refunds(shop, twentieths)]
    requests += _holds(shop, twentieths)
    for number, buyer in enumerate(islice(cycle(shop.buyers), 17 * twentieths)):
        if number % 17 < 10:
            requests.append(http_requests.purchase(buyer, rng.choice(shop.product_per_merchant)))
        elif number % 17 < 14:
            requests.append(http_requests.transfer(buyer, _next_buyer(shop, number)))
        else:
            requests.append(http_requests.deposit(buyer))
    rng.shuffle(requests)
    return load(shop.servers, requests, seconds=None, expected={"200", "201"})


def _send_webhooks(shop: Shop, seconds: float) -> Result:
    """Webhooks about new payments, one at a time. Each has to be stored."""
    tokens = shop.onramps(int(seconds * _WEBHOOKS_PER_SECOND))
    requests = [http_requests.webhook(shop.buyers[0].id, token) for token in tokens]
    return load(shop.servers, requests, seconds=None, expected={"200"}, connections=1)


def _bare_hello(shop: Shop, seconds: float) -> Result:
    with hello.bare(shop.servers) as servers:
        return load(servers, [http_requests.get("/")], seconds=seconds, expected={"200"})


def _page(user: User, shop: Shop, *, deep: bool) -> list[str]:
    """A request for the first page of a history, or for a deep one."""
    page = 1
    if deep:
        ((postings,),) = shop.servers.sql(
            "SELECT sequence FROM wallets WHERE user_id = %(id)s", id=user.id
        )
        page = min(_DEEP_OFFSET, postings // 2) // _PAGE_SIZE
    return [http_requests.get(f"/api/v1/wallet/transactions?limit={_PAGE_SIZE}&page={page}", user)]


def _histories(size: str, user: Callable[[Shop], User]) -> tuple[Scenario, ...]:
    """Requests of a user with a history of this size, one at a time."""

    def page(*, deep: bool) -> Run:
        return _send(lambda shop: _page(user(shop), shop, deep=deep), connections=1)

    runs = {
        "history": page(deep=False),
        "history deep": page(deep=True),
        "purchase": _buy(_hot, lambda shop: [user(shop)], connections=1),
    }
    return tuple(
        Scenario(f"{name} {size}", run, (f"{name} short",) if size == "long" else (), lone=True)
        for name, run in runs.items()
    )


def _hot(shop: Shop) -> list[UUID]:
    return [shop.hot]


def _product_per_merchant(shop: Shop) -> list[UUID]:
    return shop.product_per_merchant


def _products_of_one_merchant(shop: Shop) -> list[UUID]:
    return shop.products_of_one_merchant


def movements(connections: int) -> dict[str, Run]:
    """The movements of money by name, over so many connections."""
    return {
        "purchase": _buy(_hot, connections=connections),
        "deposit": _send(
            lambda shop: [http_requests.deposit(user) for user in shop.buyers],
            connections=connections,
        ),
        "withdrawal": _send(
            lambda shop: [http_requests.withdrawal(user) for user in shop.buyers],
            connections=connections,
        ),
        "transfers in a circle": _transfer(_next_buyer, connections),
        "transfers to one": _transfer(
            lambda shop, _: shop.merchants[3 % len(shop.merchants)], connections
        ),
        "hold and capture": _hold_and_capture(connections),
    }


_MOVEMENTS = movements(CONNECTIONS)
_SPREAD_LIMITS = ("limit spread", "limit spread locked")
_HELLO = ("hello", "hello bare")

SCENARIOS: Final = (
    Scenario("limit spread", _limit(_product_per_merchant, lock=False)),
    Scenario("limit spread locked", _limit(_product_per_merchant, lock=True)),
    Scenario("spread", _buy(_product_per_merchant), _SPREAD_LIMITS),
    Scenario("limit hot-product", _limit(_hot, lock=True)),
    Scenario("hot-product", _buy(_hot), ("limit hot-product",)),
    Scenario("unscreened", _unscreened),
    Scenario("screening", _screened, ("hot-product", "unscreened")),
    Scenario("many-buyers", _many_buyers, ("hot-product",)),
    Scenario("fresh-connections", _buy(_hot, fresh=True), ("hot-product",)),
    Scenario("codes", _buy(lambda shop: [shop.hot_codes]), ("hot-product",)),
    Scenario("limit hot-merchant", _limit(_products_of_one_merchant, lock=True)),
    Scenario("hot-merchant", _buy(_products_of_one_merchant), ("limit hot-merchant",)),
    Scenario("hot-buyer", _buy(_product_per_merchant, lambda shop: shop.buyers[:1])),
    Scenario("sell-out 50/200", _sell_out(buyers=200, units=50)),
    Scenario("sell-out 1000/5000", _sell_out(buyers=5000, units=1000)),
    Scenario("limit deposit", _limit(_hot, "deposit")),
    Scenario("deposit", _MOVEMENTS["deposit"], ("hot-product", "limit deposit")),
    Scenario("withdrawal", _MOVEMENTS["withdrawal"], ("hot-product", "limit deposit")),
    Scenario("limit transfers in a circle", _limit(_hot, "transfer", receiver=":buyer - 1")),
    Scenario(
        "transfers in a circle",
        _MOVEMENTS["transfers in a circle"],
        ("hot-product", "limit transfers in a circle"),
    ),
    Scenario("limit transfers to one", _limit(_hot, "transfer", receiver="1")),
    Scenario(
        "transfers to one",
        _MOVEMENTS["transfers to one"],
        ("hot-product", "limit transfers to one"),
    ),
    Scenario("limit hold and capture", _limit(_product_per_merchant, "hold_and_capture")),
    Scenario(
        "hold and capture",
        _MOVEMENTS["hold and capture"],
        ("hot-product", "limit hold and capture"),
    ),
    Scenario("mixed", _mixed, ("hot-product",)),
    Scenario(
        "login",
        _send(
            lambda shop: [http_requests.login(p) for p in shop.buyers],
            connections=_LOGIN_CONNECTIONS,
        ),
    ),
    Scenario("hello bare", _bare_hello),
    Scenario("hello", _send(lambda _: [http_requests.get("/health/live")])),
    Scenario(
        "catalogue",
        _send(lambda _: [http_requests.get(f"/api/v1/products?limit={_PAGE_SIZE}")]),
        _HELLO,
    ),
    Scenario(
        "wallet",
        _send(lambda shop: [http_requests.get("/api/v1/wallet", p) for p in shop.buyers]),
        _HELLO,
    ),
    Scenario(
        "history",
        _send(
            lambda shop: [
                http_requests.get(f"/api/v1/wallet/transactions?limit={_PAGE_SIZE}", p)
                for p in shop.buyers
            ]
        ),
        ("wallet",),
    ),
    Scenario("product", _send(lambda shop: [http_requests.get(f"/api/v1/products/{shop.hot}")])),
    Scenario(
        "hello lone", _send(lambda _: [http_requests.get("/health/live")], connections=1), lone=True
    ),
    Scenario("limit lone", _limit(_hot, lock=True, clients=1), lone=True),
    Scenario("lone", _buy(_hot, connections=1), ("hello lone", "limit lone"), lone=True),
    Scenario("webhook", _send_webhooks, ("hello lone",), lone=True),
    *_histories("short", lambda shop: shop.short_history),
    *_histories("long", lambda shop: shop.long_history),
)


def select(prefixes: Collection[str]) -> list[Scenario]:
    """The scenarios whose names begin with one of these words, and their baselines.

    Raises KeyError with a prefix that matches no scenario.
    """
    names = set()
    for prefix in prefixes:
        matching = {s.name for s in SCENARIOS if f"{s.name} ".startswith(f"{prefix} ")}
        if not matching:
            raise KeyError(prefix)
        names |= matching
    names |= {other for s in SCENARIOS if s.name in names for other in s.baselines}
    return [s for s in SCENARIOS if s.name in names]
