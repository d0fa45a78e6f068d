"""Lantern Forge: independent games and what comes with them."""

from typing import Final

from app.demo.people import Person
from app.demo.shops.shop import DemoProduct, Shop
from app.products.models import ProductKind

SHOP: Final = Shop(
    "Lantern Forge",
    Person("lantern-forge", "Rafael", "Moreno"),
    "games",
    (
        DemoProduct(
            "Tidebreaker",
            24_99,
            500,
            "Sail a leaking trawler through a drowned archipelago and decide whom to take aboard. "
            "A story of about twelve hours with five endings.",
        ),
        DemoProduct(
            "Tidebreaker: Original Soundtrack",
            8_99,
            400,
            "Twenty-two tracks for string quartet and harmonium, recorded in a lighthouse. "
            "Delivered as FLAC and MP3 with the sheet music of the main theme.",
        ),
        DemoProduct(
            "Tidebreaker: Collector's Key",
            59_99,
            7,
            "The game, the soundtrack, the art book and your name on the harbour wall. "
            "Numbered keys that are never printed again.",
            units_left=0,
        ),
        DemoProduct(
            "Moss & Marble",
            14_99,
            600,
            "A quiet puzzle game about restoring a sculpture garden, one stone at a time. "
            "Ninety levels, no timers and a photo mode for the finished terraces.",
        ),
        DemoProduct(
            "Moss & Marble: Key for a Friend",
            12_99,
            150,
            "A code that unlocks Moss & Marble for somebody else. It is among your purchases at "
            "once, and whoever redeems it needs no account.",
            kind=ProductKind.CODES,
        ),
        DemoProduct(
            "Signal Box 1962",
            19_49,
            320,
            "Run a mountain junction with levers, bells and a very strict timetable. "
            "Historically accurate enough that two retired signalmen asked for harder levels.",
        ),
        DemoProduct(
            "Signal Box 1962: Winter Service",
            7_49,
            320,
            "Adds snow ploughs, frozen points and the night mail to the base game. "
            "Twelve new timetables, among them the blizzard of February.",
        ),
        DemoProduct(
            "Crumbs: A Bakery Roguelike",
            11_99,
            450,
            "Survive the breakfast rush with whatever the cellar left you. "
            "Recipes combine in more than four hundred ways, and most of them explode.",
        ),
        DemoProduct(
            "Paper Kingdoms, Print and Play",
            6_50,
            1000,
            "A strategy game for two to four people that fits on nine sheets of paper. "
            "Rules in six languages and a version that spares your ink.",
        ),
        DemoProduct(
            "Nightjar Protocol: Early Access",
            17_99,
            10,
            "Hack a sleeping city with nothing but a radio and a map, in co-operation or alone. "
            "The current build holds four of the eight planned districts.",
            units_left=2,
        ),
        DemoProduct(
            "Pixel Dungeon Tileset",
            12_00,
            250,
            "More than nine hundred tiles of 16 by 16 pixels for dungeons, crypts and sewers. "
            "Licensed for commercial games, with the layered source files.",
        ),
    ),
)
