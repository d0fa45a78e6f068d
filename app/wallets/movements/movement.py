"""The interface of a movement: a request to move money, which batches decide and write."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Self, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.service import Caller
from app.common.errors import AppError
from app.common.ids import new_id
from app.events.base import Event
from app.risk.attempt import Attempt, Origin
from app.risk.models import RiskCase
from app.wallets.ledger import Account, AppliedEntry
from app.wallets.models import WalletHold
from app.wallets.movements.locked_wallets import LockedWallets, NeededWallets

#: What `Movement.lock` reads.
Rows = TypeVar("Rows")
#: What a movement becomes, as the response shows it.
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Turn:
    """What a movement is decided with: its caller, and what the transaction has locked.

    attempt_id: the id of a row that the movement inserts, such as its journal entry, so that it
    cannot be executed twice even if the outcome of a COMMIT is unknown; origin: of the request,
    None without one.
    """

    session: Session
    caller: Caller
    wallets: LockedWallets
    idempotency_key: str | None = None
    attempt_id: UUID = field(default_factory=new_id)
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A payment that is held until it is reviewed, both decided and not yet written."""

    case: RiskCase
    hold: WalletHold


@dataclass(frozen=True, slots=True)
class Decision(Generic[Result]):
    """An accepted movement, which has changed rows in memory only.

    result: what the response shows; record: what `write` takes, the result if None; entry: None if
    nothing is posted; accounts: changed by a hold and not by the entry; review: if it is held.
    """

    result: Result
    record: Any = None
    entry: AppliedEntry | None = None
    accounts: Sequence[Account] = ()
    events: Sequence[Event] = ()
    review: Review | None = None


class Movement(ABC, Generic[Rows, Result]):
    """What a request asks for. Its subclasses are dataclasses, one for each kind of movement.

    A batch calls `lock` of each kind, `wallets_needed` of each movement, `decide` of each, in order
    of arrival, and `write` of each kind. The transaction may be a pipeline: `lock` and `write` send
    statements, and read nothing until what they return is called.

    moves_money: as of `idempotency.Request`; finds_result: whether `find_result` finds whatever an
    earlier attempt has committed.
    """

    moves_money: ClassVar[bool] = True
    finds_result: ClassVar[bool] = False

    @classmethod
    def kind(cls) -> "type[Movement[Any, Any]]":
        """The class whose `lock` and `write` serve this one. Movements that change the same rows
        must share it, because each kind reads rows of its own."""
        return cls

    @classmethod
    def lock(cls, session: Session, requests: Sequence[tuple[UUID, Self]]) -> Callable[[], Rows]:
        """Send the statements that lock and read rows other than wallets; call the result to read
        them. requests: with the id of the user who sent each."""
        return lambda: None  # type: ignore[return-value]  # a kind without rows

    @abstractmethod
    def wallets_needed(self, user_id: UUID, rows: Rows) -> NeededWallets | None:
        """The wallets that it needs, None if it will be refused without any."""

    @abstractmethod
    def decide(self, turn: Turn, rows: Rows) -> Decision[Result]:
        """Accept it and change the locked rows in memory, so that later movements see it.

        Raises an AppError before it has changed anything.
        """

    def refusal_events(self, turn: Turn, rows: Rows, error: AppError) -> Sequence[Event]:
        """What to record when `decide` has raised `error`, in the transaction that refuses it."""
        return ()

    def attempt(self, turn: Turn, rows: Rows) -> Attempt | None:
        """The payment that it attempts, for a refusal: as far as it is known. None if it is none,
        or if too little is known about it."""
        return None

    def stored(self) -> dict[str, Any]:
        """What its kind needs to execute it after a review, as JSON."""
        raise NotImplementedError

    def reserve(self, turn: Turn, rows: Rows) -> Decision[Result] | None:
        """What is reserved while the payment is under review, besides its money. None: nothing, and
        `stored` is executed on release."""
        return None

    @classmethod
    def write(cls, session: Session, records: Sequence[Any]) -> Sequence[Callable[[], None]]:
        """Write what was decided, except for entries, balances and events.

        records: of the decisions. Call the returned checks once every statement has been sent.
        """
        return ()

    def find_result(self, session: Session, *, user_id: UUID, attempt_id: UUID) -> Any:
        """What an earlier attempt of this movement has committed; None if there is nothing, or if
        it cannot be found."""
        return None
