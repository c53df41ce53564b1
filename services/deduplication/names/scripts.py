"""Letters of alphabets that are usually written in Latin ones too, without their accents."""

# ruff: noqa: RUF001 -- that these letters look like others is why they are here

_CYRILLIC = (
    "а a б b в v г g д d е e ж zh з z и i к k л l м m н n о o п p р r с s т t у u ф f х kh ц ts ч ch ш sh щ shch ы y "
    "э e ю yu я ya і i є ye ґ g ј j љ lj њ nj ћ c ђ dj џ dz"
)
_GREEK = "α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o"

_PAIRS = f"{_CYRILLIC} {_GREEK}".split()

LATIN = str.maketrans(dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True)) | {"ъ": "", "ь": ""})
"""For `str.translate`, on text in lower case."""
