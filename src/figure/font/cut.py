"""Cuts the two fonts of this folder from Arimo as npm's package @fontsource/arimo 5.3.0 has it.

    pip install fonttools==4.68.0
    npm pack @fontsource/arimo@5.3.0 && tar xzf fontsource-arimo-5.3.0.tgz
    python cut.py package

Arimo has the widths of Arial and Helvetica, which figures ask for, so a PNG has the lines of its SVG.
Kept are the characters that figures hold (Latin 1, dashes, the minus sign), without hints.
"""

import pathlib
import sys

from fontTools import subset

KEPT = [*range(0x20, 0x7F), *range(0xA0, 0x100), 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2026, 0x2212, 0xFFFD]

package, here = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent
for weight, name in ((400, "regular"), (700, "bold")):
    options = subset.Options(hinting=False, layout_features=["kern"], notdef_outline=True, drop_tables=["STAT", "gasp"])
    font = subset.load_font(package / f"files/arimo-latin-{weight}-normal.woff", options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=KEPT)
    cutter.subset(font)
    font.flavor = None
    # The time of cutting would make every run another file.
    font.recalcTimestamp = False
    font.save(here / f"arimo-{name}.ttf")
