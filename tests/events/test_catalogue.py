"""The catalogue of event types: complete, described, used and documented."""

import ast
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest
from flask import Flask

from app.common.db import transaction
from app.common.ids import new_id
from app.common.settings import PROJECT_ROOT
from app.delivery.licences.models import Licence
from app.events import catalogue, reference
from app.events import service as events
from app.events.base import EVENT_TYPES, Event, camel_case, data_fields, event, to_data
from app.events.catalogue.delivery import (
    CodeRemoved,
    CodesRevoked,
    LicenceActivated,
    LicenceTermsChanged,
)
from app.events.catalogue.orders import OrderCompleted
from app.events.catalogue.wallets import HoldPlaced
from app.orders.models import Order

APP = PROJECT_ROOT / "app"
CATALOGUE = APP / "events" / "catalogue"
SQL = sorted((APP / "verify").glob("*.py"))
ID = UUID("019a1b2c-3d4e-7f60-8a9b-0c1d2e3f4a5b")

each_type = pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=EVENT_TYPES)


def names_used() -> set[str]:
    """The names used in the application outside the catalogue, except in imports."""
    return {
        node.id
        for path in APP.rglob("*.py")
        if path.parent != CATALOGUE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name)
    }


USED = names_used()


class TestEventType:
    @each_type
    def test_the_name_is_the_class_name_in_kebab_case(self, kind: type[Event]) -> None:
        """So that each can be derived from the other."""
        assert kind.event_type == re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()

    @each_type
    def test_the_aggregate_type_is_in_snake_case(self, kind: type[Event]) -> None:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.aggregate_type)

    @each_type
    def test_an_event_type_has_a_version(self, kind: type[Event]) -> None:
        assert kind.schema_version >= 1

    @each_type
    def test_an_event_type_is_described_in_complete_sentences(self, kind: type[Event]) -> None:
        assert re.fullmatch(r"[A-Z][^|]+\.", kind.__doc__ or "")

    @each_type
    def test_an_event_is_immutable(self, kind: type[Event]) -> None:
        assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]

    @each_type
    def test_amounts_state_their_unit(self, kind: type[Event]) -> None:
        for name, annotation in data_fields(kind).items():
            if name in {"amount", "balance", "discount", "fee"}:
                assert "minor units" in get_args(annotation), name

    @each_type
    def test_the_application_records_the_event_type(self, kind: type[Event]) -> None:
        assert kind.__name__ in USED


class TestData:
    def test_keys_are_in_camel_case_and_exclude_the_aggregate(self) -> None:
        removed = CodeRemoved(aggregate_id=new_id(), product_id=ID, merchant_id=ID)

        assert to_data(removed) == {"productId": ID, "merchantId": ID}

    def test_none_is_null(self) -> None:
        changed = LicenceTermsChanged(
            aggregate_id=ID,
            merchant_id=ID,
            activation_limit=None,
            activations_per_30_days=None,
            valid_days=30,
        )

        assert to_data(changed) == {
            "merchantId": ID,
            "activationLimit": None,
            "activationsPer30Days": None,
            "validDays": 30,
        }

    def test_timestamps_are_in_utc_with_milliseconds(self) -> None:
        placed = HoldPlaced(
            aggregate_id=ID,
            payer_id=ID,
            payee_id=None,
            currency="USD",
            amount=1250,
            expires_at=datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC),
        )

        assert to_data(placed)["expiresAt"] == "2026-11-21T09:30:00.123Z"

    def test_an_omitted_field_is_absent_and_not_null(self) -> None:
        common = {"product_id": ID, "quantity": 1, "discount": 0, "amount": 1250, "fee": 12}
        parties = {"aggregate_id": ID, "user_id": ID, "merchant_id": ID, "currency": "USD"}
        parties["number"] = "4821-0937-558"
        by_wallet = OrderCompleted(**common, **parties)  # type: ignore[arg-type]
        by_card = OrderCompleted(**common, **parties, payment_method="GATEWAY", reason=None)  # type: ignore[arg-type]

        assert to_data(by_card).items() - to_data(by_wallet).items() == {
            ("paymentMethod", "GATEWAY"),
            ("reason", None),
        }
        assert "reason" not in to_data(by_wallet)

    @each_type
    def test_keys_are_unique(self, kind: type[Event]) -> None:
        keys = [camel_case(name) for name in data_fields(kind)]

        assert keys
        assert len(set(keys)) == len(keys)


class TestFromRow:
    def test_fields_are_the_columns_of_the_same_names(self) -> None:
        licence = Licence(id=ID, product_id=new_id(), activations=2, encrypted=b"key")

        assert LicenceActivated.of(licence, merchant_id=ID) == LicenceActivated(
            aggregate_id=ID, merchant_id=ID, product_id=licence.product_id, activations=2
        )

    def test_given_values_take_precedence_over_columns(self) -> None:
        licence = Licence(id=ID, product_id=new_id(), activations=2)

        event = LicenceActivated.of(
            licence, aggregate_id=licence.product_id, merchant_id=ID, activations=3
        )

        assert (event.aggregate_id, event.activations) == (licence.product_id, 3)

    def test_a_field_with_a_default_is_not_taken_from_a_column(self) -> None:
        order = Order(
            id=ID,
            number="4821-0937-558",
            user_id=ID,
            merchant_id=ID,
            product_id=ID,
            quantity=1,
            discount=0,
            amount=1250,
            fee=12,
            currency="USD",
            payment_method="WALLET",
        )

        assert "paymentMethod" not in to_data(OrderCompleted.of(order))

    def test_a_field_without_a_column_must_be_given(self) -> None:
        with pytest.raises(AttributeError, match="lost"):
            CodesRevoked.of(
                Licence(id=ID, product_id=ID),
                order_number="4821-0937-558",
                merchant_id=ID,
                released=1,
            )


class TestCatalogue:
    def test_an_undeclared_class_is_refused(self, app: Flask) -> None:
        @dataclass(frozen=True, slots=True, kw_only=True)
        class Undeclared(CodeRemoved):
            """Its base class is an event type, but it is not."""

        undeclared = Undeclared(aggregate_id=ID, product_id=ID, merchant_id=ID)
        with transaction() as session, pytest.raises(KeyError):
            events.record(session, [undeclared])

    def test_a_name_cannot_be_declared_twice(self) -> None:
        with pytest.raises(ValueError, match="code-removed"):

            @event("code-removed", aggregate="product_code")
            class CodeRemovedAgain(Event):
                """A second one."""

        assert EVENT_TYPES["code-removed"] is CodeRemoved

    def test_types_are_declared_only_in_the_catalogue(self) -> None:
        modules = {f"app.events.catalogue.{path.stem}" for path in CATALOGUE.glob("[!_]*.py")}

        assert {kind.__module__ for kind in EVENT_TYPES.values()} == modules
        assert modules == {f"app.events.catalogue.{name}" for name in catalogue.__all__}

    def test_only_the_outbox_inserts_events(self) -> None:
        inserting = {
            path.relative_to(APP).as_posix()
            for path in APP.rglob("*.py")
            if re.search(r"""insert_events\(|INSERT INTO outbox_events""", path.read_text())
        }

        assert inserting == {"events/repository.py", "events/service.py"}


class TestDocs:
    def test_the_docs_are_as_generated(self) -> None:
        text = reference.PAGE.read_text()

        assert reference.updated(text) == text, "run ./flow events --write"

    @each_type
    def test_the_docs_list_every_event_type(self, kind: type[Event]) -> None:
        assert f"| `{kind.event_type}` |" in reference.PAGE.read_text()

    def test_an_outdated_row_is_replaced(self) -> None:
        text = reference.PAGE.read_text()
        stale = text.replace("| `hold-placed` |", "| `hold-put` |")

        assert stale != text
        assert reference.updated(stale) == text


class TestVerify:
    """Invariants name event types in SQL, which no type checker reads."""

    @pytest.mark.parametrize("path", SQL, ids=lambda path: path.stem)
    def test_every_event_type_in_the_sql_exists(self, path: Path) -> None:
        text = path.read_text()
        for name in re.findall(r"'([a-z]+(?:-[a-z]+)+)'", text):
            assert name in EVENT_TYPES
        for prefix in re.findall(r"'([a-z]+(?:-[a-z]+)*-)'", text):
            assert any(name.startswith(prefix) for name in EVENT_TYPES)

    def test_the_sql_names_event_types(self) -> None:
        named = "".join(path.read_text() for path in SQL)

        assert sum(f"'{name}'" in named for name in EVENT_TYPES) > 10
