"""Kerning & Co.: fonts and icons."""

from typing import Final

from app.demo.people import Person
from app.demo.shops.shop import DemoProduct, Shop

SHOP: Final = Shop(
    "Kerning & Co.",
    Person("kerning-and-co", "Matthijs", "de Groot"),
    "design",
    (
        DemoProduct(
            "Halden Grotesk Family",
            129_00,
            150,
            "Eighteen styles from hairline to black, with matching italics and tabular figures. "
            "Desktop and web licence for up to five people.",
        ),
        DemoProduct(
            "Halden Grotesk Regular",
            24_00,
            300,
            "The most used weight of the family, for those who need one good sans serif. "
            "The price counts towards the family later.",
        ),
        DemoProduct(
            "Brevet Serif",
            79_50,
            180,
            "A text face for long reading, drawn after a Dutch almanac of 1783. "
            "Small capitals, old-style figures and Vietnamese are included.",
        ),
        DemoProduct(
            "Mono Lisboa",
            35_00,
            400,
            "A monospaced typeface for code with letters that do not pretend to be one another. "
            "Six weights and ligatures that can be switched off.",
        ),
        DemoProduct(
            "Chalkboard Script",
            15_75,
            260,
            "Handwriting of a patient teacher, with three shapes for every letter. "
            "Looks right on menus, invitations and classroom posters.",
        ),
        DemoProduct(
            "Outline Icons: 1,200 for Interfaces",
            48_00,
            350,
            "Drawn on a grid of 24 pixels with a stroke of one and a half. "
            "SVG, icon font and components for the usual design tools.",
        ),
        DemoProduct(
            "Weather Icons, Animated",
            22_30,
            220,
            "Sixty-four conditions in day and night versions, as Lottie and SVG animations. "
            "The whole set weighs less than one photograph.",
        ),
        DemoProduct(
            "Payment Icons Pack",
            9_90,
            500,
            "Wallets, receipts, refunds and forty currencies in one consistent line weight. "
            "Free updates as new methods of payment appear.",
        ),
        DemoProduct(
            "Wayfinding Pictograms",
            31_60,
            140,
            "Two hundred signs for museums, stations and clinics, tested with visitors. "
            "Ready for cutting plotters and screens alike.",
        ),
        DemoProduct(
            "Custom Monogram Commission",
            185_00,
            6,
            "Your initials drawn by hand and delivered as vectors within ten days. "
            "Two rounds of corrections are part of the price.",
            units_left=1,
        ),
    ),
)
