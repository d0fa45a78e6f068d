"""Golden Hour Lab: photo presets, textures and templates."""

from typing import Final

from app.demo.people import Person
from app.demo.shops.shop import DemoProduct, Shop

SHOP: Final = Shop(
    "Golden Hour Lab",
    Person("golden-hour-lab", "Anaïs", "Lefebvre"),
    "photography",
    (
        DemoProduct(
            "Slide Film Memories Presets",
            29_00,
            400,
            "Twenty-four looks measured from slides of the seventies. "
            "Profiles for the cameras of seven makers keep skin tones honest.",
        ),
        DemoProduct(
            "Nordic Winter Presets",
            19_50,
            450,
            "Cool shadows and soft whites for snow, fog and short days. "
            "Works on raw files and on phone pictures.",
        ),
        DemoProduct(
            "Black & White Darkroom Set",
            25_80,
            350,
            "Grain, contrast filters and paper tones as they came out of the tray. "
            "Thirty presets with a short essay on when to use which.",
        ),
        DemoProduct(
            "Wedding Day Workflow Bundle",
            74_00,
            120,
            "Presets, export settings and a naming scheme for two thousand pictures in an evening. "
            "Includes a client gallery template.",
        ),
        DemoProduct(
            "Food Photography Presets",
            16_90,
            300,
            "Warm, clean and never orange: fifteen looks for plates and markets. "
            "A card for white balance can be printed from the package.",
        ),
        DemoProduct(
            "Film Grain Overlays in 4K",
            23_45,
            260,
            "Forty scans of unexposed film, from Super 8 to medium format. "
            "Drop them over video or stills in any editor.",
        ),
        DemoProduct(
            "Instant Frame Templates",
            6_75,
            800,
            "Borders of real instant pictures, with dust and finger prints where they belong. "
            "Layered files for print and for stories.",
        ),
        DemoProduct(
            "Astro Toolkit: Stars and Milky Way",
            33_00,
            200,
            "Noise profiles, star reduction and a planner for moonless nights. "
            "Three complete edits are shown from raw file to print.",
        ),
        DemoProduct(
            "Concrete and Plaster Textures",
            14_20,
            330,
            "A hundred and fifty surfaces photographed in flat light at 8K. "
            "Half of them tile without a visible edge.",
        ),
        DemoProduct(
            "Portfolio Review, 45 Minutes",
            95_00,
            5,
            "A video call about twenty of your pictures, with notes in writing afterwards. "
            "Offered once per season to a handful of people.",
            units_left=1,
        ),
    ),
)
