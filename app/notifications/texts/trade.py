"""Notifications about purchases, sales, refunds and stock."""

from datetime import datetime
from typing import Final

from app.notifications.texts.content import Content, Data, Reader, Writer, units


def _purchase(data: Data, reader: Reader, at: datetime) -> Content:
    seller, bought = reader.user(data, "merchantId"), units(data["quantity"], reader.product(data))
    is_gift = data.get("giveawayId") is not None
    thanks = f"{seller} gave you {bought}." if is_gift else f"Thank you for buying {bought}."
    giver = "Given by" if is_gift else "Sold by"
    facts = [("Order", data["number"]), (giver, seller), ("Date", reader.time(at))]
    if is_gift:
        return Content(
            subject=f"A gift from {seller}: {bought}",
            paragraphs=(thanks, "It costs you nothing."),
            facts=tuple(facts),
            goods_title="Your gift",
            shop=seller,
        )
    if data["discount"]:
        facts.append(("Discount", reader.deduction(data, "discount")))
    method = "Card" if data.get("paymentMethod") == "GATEWAY" else "Wallet"
    facts += [("Paid with", method), ("Total", reader.money(data))]
    return Content(
        subject=f"Your order {data['number']} from {seller}",
        paragraphs=(thanks,),
        facts=tuple(facts),
        shop=seller,
    )


def _sale(data: Data, reader: Reader, at: datetime) -> Content:
    sold = units(data["quantity"], reader.product(data))
    facts = [
        ("Order", data["number"]),
        ("Buyer", reader.user(data, "userId")),
        ("Date", reader.time(at)),
        ("Total", reader.money(data)),
    ]
    if data["fee"]:
        facts.append(("Platform fee", reader.deduction(data, "fee")))
    return Content(
        subject=f"You sold {sold} for {reader.money(data)}",
        paragraphs=(f"{reader.user(data, 'userId')} bought {sold} for {reader.money(data)}.",),
        facts=tuple(facts),
    )


def _sales_digest(data: Data, reader: Reader, at: datetime) -> Content:
    sales = f"{data['sales']} sale" + ("" if data["sales"] == 1 else "s")
    totals = [reader.amount(minor, currency) for currency, minor in data["totals"].items()]
    period = f"{reader.time(data['since'])} – {reader.time(data['until'])}"
    orders = tuple(
        (
            order["number"],
            f"{units(order['quantity'], reader.product(order))}: {reader.money(order)}",
        )
        for order in data["orders"]
    )
    paragraphs = [f"You had {sales} for {' + '.join(totals)}, besides those of earlier mails."]
    if (more := data["sales"] - len(orders)) > 0:
        paragraphs.append(f"The first {len(orders)} are listed; {more} more are in your sales.")
    return Content(
        subject=f"{sales} for {' + '.join(totals)}",
        paragraphs=tuple(paragraphs),
        facts=(("Period", period), *orders),
    )


def _refund(data: Data, reader: Reader, at: datetime) -> Content:
    seller = reader.user(data, "merchantId")
    by = f"We, for {seller}," if data.get("byPlatform") else seller
    return Content(
        subject=f"{reader.money(data)} refunded for order {data['orderNumber']}",
        paragraphs=(f"{by} refunded {reader.money(data)} for {reader.product(data)}.",),
        facts=_refund_facts(data, reader, at),
        shop=seller,
    )


def _refund_by_platform(data: Data, reader: Reader, at: datetime) -> Content:
    buyer = reader.user(data, "userId")
    return Content(
        subject=f"We refunded {reader.money(data)} for order {data['orderNumber']}",
        paragraphs=(
            f"We refunded {reader.money(data)} to {buyer} for {reader.product(data)}, from your"
            " wallet. The refund has the reason.",
        ),
        facts=_refund_facts(data, reader, at),
    )


def _refund_facts(data: Data, reader: Reader, at: datetime) -> tuple[tuple[str, str], ...]:
    return (
        ("Order", data["orderNumber"]),
        ("Date", reader.time(at)),
        ("Refunded", reader.money(data)),
    )


def _refund_requested(data: Data, reader: Reader, at: datetime) -> Content:
    buyer, number = reader.user(data, "userId"), data["orderNumber"]
    return Content(
        subject=f"{buyer} requests a refund of order {number}",
        paragraphs=(
            f"{buyer} requests a refund of order {number}.",
            "Approve or decline it with your refund requests.",
        ),
        facts=(("Order", number), ("Date", reader.time(at))),
    )


def _refund_request_declined(data: Data, reader: Reader, at: datetime) -> Content:
    seller, number = reader.user(data, "merchantId"), data["orderNumber"]
    return Content(
        subject=f"No refund of order {number}",
        paragraphs=(f"{seller} declined your request for a refund of order {number}.",),
        facts=(("Order", number), ("Date", reader.time(at))),
        shop=seller,
    )


def _stock_low(data: Data, reader: Reader, at: datetime) -> Content:
    name, left = data["name"], data["availableUnits"]
    is_out = left == 0
    state = "is sold out" if is_out else f"has {left} unit{'' if left == 1 else 's'} left"
    return Content(
        subject=f"{name} {state}",
        paragraphs=(
            f"{name} {state}.",
            "Restock it so that buyers can go on buying."
            f" You are told when {data['threshold']} or fewer are left; the setting is in your"
            " shop's profile.",
        ),
        facts=(("Date", reader.time(at)),),
    )


TEXTS: Final[dict[str, Writer]] = {
    "purchase": _purchase,
    "sale": _sale,
    "sales_digest": _sales_digest,
    "refund": _refund,
    "refund_by_platform": _refund_by_platform,
    "refund_requested": _refund_requested,
    "refund_request_declined": _refund_request_declined,
    "stock_low": _stock_low,
}
