"""Purchases from the wallet."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.two_factor.service import SecondFactor
from app.common import clock
from app.events.catalogue.orders import OrderCompleted, OrderUnderReview
from app.orders import repository
from app.orders.purchases import pricing
from app.orders.purchases.locked_state import LockedState
from app.orders.purchases.pricing import Basket, Purchase
from app.orders.purchases.service import OrderDetails
from app.orders.purchases.stock_movement import StockMovement
from app.risk.attempt import Attempt
from app.risk.models import PaymentKind
from app.wallets import service as wallets
from app.wallets.ledger import Account, Authorization
from app.wallets.movements.locked_wallets import NeededWallets
from app.wallets.movements.movement import Decision, Turn
from app.wallets.outflow import Outflow


@dataclass(frozen=True, slots=True)
class WalletPurchase(StockMovement[OrderDetails]):
    """Buys what is in the basket, paid from the caller's wallet.

    fee_bps: the platform's default fee in basis points.
    """

    finds_result: ClassVar[bool] = True

    basket: Basket
    second_factor: SecondFactor
    fee_bps: int

    def bought(self) -> Basket:
        return self.basket

    def wallets_needed(self, user_id: UUID, rows: LockedState) -> NeededWallets | None:
        stock = rows.stocks.get(self.basket.product_id)
        if stock is None:
            return None
        return NeededWallets(stock.currency, paying=(user_id,), others=(stock.merchant_id,))

    def decide(self, turn: Turn, rows: LockedState) -> Decision[OrderDetails]:
        """Raises what `pricing.decide` raises."""

        def authorize(account: Account, outflow: Outflow) -> Authorization:
            return turn.wallets.authorize(
                turn.session,
                account,
                outflow,
                second_factor=self.second_factor,
                origin=turn.origin,
            )

        purchase = self._purchase(turn, rows.numbers[-1])
        stock = rows.stocks.get(self.basket.product_id)
        sale = pricing.decide(
            purchase,
            product=stock,
            buyer=turn.wallets.get(turn.caller.id, stock.currency) if stock else None,
            merchant=turn.wallets.get(stock.merchant_id, stock.currency) if stock else None,
            coupon=rows.coupon_for(purchase, stock),
            units_before=rows.units_of(purchase),
            fee_bps=self.fee_bps,
            now=clock.now(),
            authorize=authorize,
        )
        rows.take_number()
        rows.apply(sale)
        bought = OrderDetails(sale.order, sale.stock, sale.buyer)
        if sale.entry is None:
            completed = OrderCompleted.of(sale.order, aggregate_version=1)
            return Decision(bought, record=sale, events=[completed])
        authorization = sale.entry.postings[0].authorization
        risk = {} if authorization is None else authorization.risk
        completed = OrderCompleted.of(sale.order, aggregate_version=1, **risk)
        posted = turn.wallets.post(sale.entry)
        return Decision(
            bought,
            record=sale,
            entry=posted,
            events=[completed, *wallets.balance_events(posted)],
        )

    def reserve(self, turn: Turn, rows: LockedState) -> Decision[OrderDetails]:
        """The order, with its units, as long as its money is under review."""
        purchase = self._purchase(turn, rows.take_number())
        stock = rows.stocks.get(self.basket.product_id)
        sale = pricing.under_review(
            purchase,
            product=stock,
            coupon=rows.coupon_for(purchase, stock),
            units_before=rows.units_of(purchase),
            fee_bps=self.fee_bps,
            now=clock.now(),
        )
        rows.apply(sale)
        return Decision(
            OrderDetails(sale.order, sale.stock, sale.buyer),
            record=sale,
            events=[OrderUnderReview.of(sale.order, aggregate_version=1)],
        )

    def attempt(self, turn: Turn, rows: LockedState) -> Attempt | None:
        """Without the discount of a coupon, which may be invalid."""
        stock = rows.stocks.get(self.basket.product_id)
        if stock is None:
            return None
        return Attempt(
            PaymentKind.PURCHASE,
            turn.caller.id,
            stock.price * self.basket.quantity,
            stock.currency,
            payee_id=stock.merchant_id,
        )

    def _purchase(self, turn: Turn, number: str) -> Purchase:
        return Purchase(turn.caller, self.basket, number, turn.idempotency_key, turn.attempt_id)

    def find_result(
        self, session: Session, *, user_id: UUID, attempt_id: UUID
    ) -> OrderDetails | None:
        """The order that an earlier attempt has created, if any."""
        row = repository.get_order_for(session, order_id=attempt_id, user_id=user_id)
        return OrderDetails(*row) if row is not None else None
