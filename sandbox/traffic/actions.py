"""What people do, each with one transaction as its result."""

import random
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from sandbox.common.money import CURRENCIES
from sandbox.traffic import plan
from sandbox.traffic.api import Answer
from sandbox.traffic.people import Person, decimal
from sandbox.traffic.plan import Action, Size
from sandbox.traffic.shops import Offer, Shops

APPROVED: Final = "APPROVED"
REVIEW: Final = "REVIEW"
#: The person has no code left that could be sent now. Nothing happened.
NO_CODE: Final = "TWO_FACTOR_REQUIRED"
_PENDING: Final = ("PENDING_REVIEW", "UNDER_REVIEW", "REVIEW")
#: Orders that may be given back later.
_REMEMBERED: Final = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one action led to. code: APPROVED, REVIEW, or the code of the error."""

    user_id: str
    action: Action
    amount: int
    code: str
    status: int


class Actions:
    """Performs actions. Called by many threads, each with a person of its own."""

    def __init__(self, shops: Shops, *, currency: str) -> None:
        self._shops = shops
        self.decimals = CURRENCIES[currency].decimals
        self._orders: deque[tuple[Person, str, int]] = deque(maxlen=_REMEMBERED)

    def perform(
        self, rng: random.Random, person: Person, others: list[Person], action: Action
    ) -> Outcome:
        """Raises ApiAway."""
        size = plan.pick(rng, plan.SIZES)
        match action:
            case Action.PURCHASE:
                return self.buy(rng, person, size)
            case Action.BROKE:
                return self._buy(person, rng.choice(self._shops.offers[Size.SMALL]), action)
            case Action.SOLD_OUT:
                offer = rng.choice(self._shops.sold_out)
                person.have(offer.price, decimals=self.decimals)
                return self._buy(person, offer, action)
            case Action.REFUND if self._orders:
                return self._refund()
            case Action.REFUND:
                return self.buy(rng, person, size)
        return self._move(rng, person, others, action, size)

    def buy(self, rng: random.Random, person: Person, size: Size) -> Outcome:
        """Buy a product of that size. Raises ApiAway."""
        offer = rng.choice(self._shops.offers[size])
        person.have(offer.price, decimals=self.decimals)
        return self._buy(person, offer, Action.PURCHASE)

    def _buy(self, person: Person, offer: Offer, action: Action) -> Outcome:
        body = {"productId": offer.id, "paymentMethod": "WALLET"}
        answer = self._pay(person, "/orders", body)
        outcome = self._outcome(person, action, offer.price, answer)
        if outcome.code == APPROVED:
            self._orders.append((offer.merchant, str(answer.body["id"]), offer.price))
        return outcome

    def _move(
        self,
        rng: random.Random,
        person: Person,
        others: list[Person],
        action: Action,
        size: Size,
    ) -> Outcome:
        minor = plan.amount(rng, size, decimals=self.decimals)
        amount = decimal(minor, self.decimals)
        person.have(minor, decimals=self.decimals)
        if action is Action.TRANSFER:
            friend = rng.choice([each for each in others if each is not person] or [person])
            path = "/transfers"
            body: dict[str, Any] = {"recipient": {"userId": friend.id}, "amount": amount}
        elif action is Action.HOLD:
            merchant = rng.choice(self._shops.merchants)
            path, body = "/wallet/holds", {"payeeId": merchant.id, "amount": amount}
            body |= {"description": "Reservation", "expiresIn": 3600}
        else:
            path, body = "/wallet/withdraw", {"amount": amount}
        answer = self._pay(person, path, body)
        if action is Action.HOLD and answer.is_success and "id" in answer.body:
            end = rng.choice(("capture", "void"))
            with merchant.lock:
                merchant.call("POST", f"/wallet/holds/{answer.body['id']}/{end}", {})
        return self._outcome(person, action, minor, answer)

    def _pay(self, person: Person, path: str, body: dict[str, Any]) -> Answer:
        """A request that may need a two-factor code, which the person then sends, or sets up."""
        answer = person.call("POST", path, body)
        if answer.error == NO_CODE and not answer.is_success:
            person.enrol()
            if person.has_code:
                answer = person.call("POST", path, body, coded=True)
        return answer

    def _refund(self) -> Outcome:
        merchant, order_id, price = self._orders.popleft()
        with merchant.lock:
            answer = merchant.call("POST", f"/orders/{order_id}/refunds", {"reason": "Simulated"})
        code = APPROVED if answer.is_success else answer.error
        return Outcome(merchant.id, Action.REFUND, price, code, answer.status)

    def _outcome(self, person: Person, action: Action, minor: int, answer: Answer) -> Outcome:
        if not answer.is_success:
            if answer.error == "INSUFFICIENT_FUNDS":
                person.balance = 0
            return Outcome(person.id, action, minor, answer.error, answer.status)
        person.balance -= minor
        pending = answer.body.get("status") in _PENDING
        return Outcome(person.id, action, minor, REVIEW if pending else APPROVED, answer.status)
