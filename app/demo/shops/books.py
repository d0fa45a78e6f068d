"""Quiet Harbour: e-books and audiobooks."""

from typing import Final

from app.demo.people import Person
from app.demo.shops.shop import DemoProduct, Shop

SHOP: Final = Shop(
    "Quiet Harbour",
    Person("quiet-harbour", "Amara", "Okafor"),
    "books",
    (
        DemoProduct(
            "The Cartographer's Apprentice",
            9_99,
            800,
            "In 1755 a girl from Lisbon learns to draw coasts that somebody would rather forget. "
            "A novel in EPUB and PDF, with the maps as separate files.",
        ),
        DemoProduct(
            "The Cartographer's Apprentice (Audiobook)",
            16_49,
            500,
            "Read by the author over thirteen hours, with ambient recordings from the Tagus. "
            "Chapters as MP3 files or one M4B with bookmarks.",
        ),
        DemoProduct(
            "Small Ledgers: Bookkeeping for One-Person Businesses",
            21_00,
            420,
            "Double entry explained with a flower stall, a translator and a bicycle workshop. "
            "Contains worksheets and a year-end checklist.",
        ),
        DemoProduct(
            "Thirty Soups for Thirty Evenings",
            12_75,
            650,
            "One soup per evening, each with a shopping list and something to do with leftovers. "
            "All recipes come in a vegetarian version.",
        ),
        DemoProduct(
            "The Night Train to Tbilisi",
            7_99,
            700,
            "Nine travellers, one compartment and a suitcase that belongs to none of them. "
            "A crime novella for a long evening.",
        ),
        DemoProduct(
            "Designing Calm Interfaces",
            28_40,
            300,
            "How to build software that asks for attention only when it has earned it. "
            "Forty annotated examples, from thermostats to hospital dashboards.",
        ),
        DemoProduct(
            "A Field Guide to City Birds",
            13_20,
            380,
            "A hundred and ten species of European towns, with songs behind every illustration. "
            "Made for phones: the whole guide works without a connection.",
        ),
        DemoProduct(
            "Poems for Waiting Rooms",
            5_49,
            900,
            "Sixty short poems that take less time than your number on the display. "
            "Half of the proceeds go to a literacy charity.",
        ),
        DemoProduct(
            "The Freelancer's Tax Year 2025",
            18_90,
            200,
            "Deadlines, deductions and forms of the year 2025, month by month. "
            "Kept for reference; the edition for the new year replaces it.",
            deactivated=True,
        ),
        DemoProduct(
            "Signed Digital First Edition: Salt Meadow",
            39_00,
            5,
            "The debut novel with a dedication written for you and rendered into the file. "
            "Limited because the author writes every line by hand.",
            units_left=0,
        ),
    ),
)
