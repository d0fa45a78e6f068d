"""Low Tide Audio: music and samples."""

from typing import Final

from app.demo.people import Person
from app.demo.shops.shop import DemoProduct, Shop

SHOP: Final = Shop(
    "Low Tide Audio",
    Person("low-tide-audio", "Keiko", "Morita"),
    "audio",
    (
        DemoProduct(
            "Felt Piano Sample Library",
            49_00,
            220,
            "An upright of 1911 with felt between hammers and strings, in four dynamic layers. "
            "Works with the free version of the common sampler.",
        ),
        DemoProduct(
            "Dusty Breaks, Volume 3",
            18_99,
            380,
            "A hundred and twenty drum loops played live and recorded to quarter-inch tape. "
            "Cleared for commercial release, with stems of every kit piece.",
        ),
        DemoProduct(
            "Field Recordings: Harbour Towns",
            14_50,
            300,
            "Three hours of ropes, gulls, ferries and markets from six ports. "
            "Stereo and ambisonic files with a note on each location.",
        ),
        DemoProduct(
            "Modular Drones and Textures",
            22_75,
            260,
            "Ninety evolving sounds in every key, made on a wall of patch cables. "
            "All files loop without a seam.",
        ),
        DemoProduct(
            "Slow Sunday (Album)",
            9_00,
            700,
            "Eleven instrumental pieces for brushes, double bass and a slightly late guitar. "
            "Lossless files and a booklet about the sessions.",
        ),
        DemoProduct(
            "Podcast Starter Kit: Intros and Beds",
            27_00,
            400,
            "Twenty themes in lengths of five, fifteen and sixty seconds, with matching beds. "
            "One licence covers all episodes of one show.",
        ),
        DemoProduct(
            "Analog Bass Presets",
            12_40,
            320,
            "A hundred and twenty-eight patches for the best-known software synthesiser. "
            "The macros are mapped, so that each patch is really four.",
        ),
        DemoProduct(
            "String Quartet Phrases",
            64_00,
            160,
            "Six hundred short phrases by a quartet that usually plays contemporary music. "
            "Tagged by tempo, key and mood.",
        ),
        DemoProduct(
            "UI Sounds for Apps",
            11_25,
            450,
            "Eighty clicks, chimes and whooshes that stay pleasant on the hundredth hearing. "
            "Delivered normalised for phones and desktops.",
        ),
        DemoProduct(
            "Mixing Session: One Song, One Engineer",
            120_00,
            8,
            "Send your stems and receive a mix, a revision and a video of what was done. "
            "The slots of each month are few and go quickly.",
            units_left=2,
        ),
    ),
)
