"""Plainworks: software licences."""

from typing import Final

from app.demo.people import Person
from app.demo.shops.shop import DemoProduct, Shop
from app.products.models import ProductKind

SHOP: Final = Shop(
    "Plainworks",
    Person("plainworks", "Tomasz", "Zieliński"),
    "software",
    (
        DemoProduct(
            "Inkwell Pro, Lifetime Licence",
            69_00,
            500,
            "A writing application without a cloud, an account or a subscription. "
            "One key activates three computers of the same person.",
        ),
        DemoProduct(
            "Inkwell Pro, Yearly Licence",
            24_00,
            800,
            "Twelve months of all features, including export to EPUB and print. "
            "Documents remain readable for ever, licence or not.",
        ),
        DemoProduct(
            "Backdrift Personal Backup",
            39_95,
            600,
            "Encrypted backups to any disk or storage you own, verified every week. "
            "Restoring needs no licence, on principle.",
        ),
        DemoProduct(
            "Backdrift Team Backup, 10 Seats",
            299_00,
            80,
            "One console for ten computers, with retention rules and a monthly restore test. "
            "Support answers within one working day.",
        ),
        DemoProduct(
            "Tabular: CSV Editor",
            17_50,
            900,
            "Opens files of ten gigabytes in seconds and never guesses what a date might be. "
            "Runs on Windows, macOS and Linux with the same key.",
        ),
        DemoProduct(
            "Queuelight Server Monitor",
            89_90,
            240,
            "Watches hosts, queues and certificates from a single small binary. "
            "Alerts go wherever a webhook can go.",
        ),
        DemoProduct(
            "Focus Timer Plus",
            4_99,
            1500,
            "Work and rest intervals that adapt to your calendar. "
            "A single purchase for all your devices.",
        ),
        DemoProduct(
            "Palette Picker for Designers",
            13_99,
            420,
            "Pick colours anywhere on the screen and check their contrast at once. "
            "Shared libraries keep a whole team on the same blue.",
        ),
        DemoProduct(
            "Ledgerline Invoicing, Yearly Licence",
            58_20,
            350,
            "Quotes, invoices and reminders for small businesses in eleven languages. "
            "Your data stays in one file that you can open without us.",
        ),
        DemoProduct(
            "Regex Workbench",
            21_49,
            280,
            "Shows step by step why a pattern matches and where it becomes slow. "
            "Covers the dialects of nine programming languages.",
        ),
    ),
    kind=ProductKind.LICENCE,
)
