"""Northlight: video courses."""

from typing import Final

from app.demo.people import Person
from app.demo.shops.shop import DemoProduct, Shop

SHOP: Final = Shop(
    "Northlight",
    Person("northlight", "Ingrid", "Solberg"),
    "courses",
    (
        DemoProduct(
            "Practical PostgreSQL for Application Developers",
            89_00,
            240,
            "Eleven hours on indexes, locks and query plans, taught on one growing database. "
            "Every chapter ends with a slow query that you make fast yourself.",
        ),
        DemoProduct(
            "Sourdough at Home: From Starter to Crust",
            34_50,
            300,
            "Nineteen lessons filmed in a small bakery in Lyon, from feeding a starter to scoring. "
            "Comes with a printable schedule for people who work during the week.",
        ),
        DemoProduct(
            "Watercolour Landscapes in Twelve Evenings",
            42_00,
            180,
            "One painting per evening, shown in real time and without skipping the mistakes. "
            "Includes tracing templates and a list of affordable materials.",
        ),
        DemoProduct(
            "Conversational Portuguese, Level A1 to A2",
            64_95,
            400,
            "Sixty short dialogues recorded with speakers from Lisbon, Porto and Recife. "
            "Flash cards for each unit can be imported into the usual apps.",
        ),
        DemoProduct(
            "Live Workshop: Negotiating Freelance Rates",
            149_00,
            9,
            "Three hours in a small group, with role play and written feedback on your own offer. "
            "A seat includes the recording and a template for quotations.",
            units_left=1,
        ),
        DemoProduct(
            "Python for Spreadsheet People",
            54_90,
            350,
            "Replace the monthly copy-and-paste by a script you understand, line by line. "
            "Starts at the very beginning and ends with a report that writes itself.",
        ),
        DemoProduct(
            "Street Photography: Seeing Before Shooting",
            47_25,
            150,
            "Walk along on eight photo walks and hear why each frame was taken or let go. "
            "The assignments need nothing more than a phone and an hour.",
        ),
        DemoProduct(
            "Applied Statistics Without Tears",
            72_00,
            260,
            "Confidence intervals, regression and experiments, explained with data you can touch. "
            "All notebooks run in the browser, so nothing has to be installed.",
        ),
        DemoProduct(
            "Yoga for Desk Shoulders",
            19_90,
            500,
            "Thirty sessions of ten minutes that fit between two meetings. "
            "A physiotherapist shows an easier and a harder version of each exercise.",
        ),
        DemoProduct(
            "Songwriting Bootcamp",
            58_75,
            120,
            "Write and finish six songs in six weeks, starting from a title, a groove or a chord. "
            "Weekly prompts keep you going when the muse is on holiday.",
        ),
    ),
)
