"""Currency codes, names and phrases (classification spec 2.3).

The ISO table is written out instead of read from pycountry: that import costs tens of milliseconds and reads files.
A test compares the two, so the copy cannot go stale unnoticed.
"""

from typing import Final, NamedTuple

from services.classification.rules.names import word_set

ISO_4217: Final[frozenset[str]] = word_set(
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP "
    "GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT "
    "LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR "
    "NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN "
    "SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD "
    "XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XUA YER ZAR ZMW ZWG"
)
"""Codes in force, without the two that mean "test" and "no currency"."""

HISTORIC: Final[frozenset[str]] = word_set(
    "ANG ATS AZM BEF BGL BGN BYR CSD CYP DEM ECS EEK ESP FIM FRF GHC GRD HRK IEP ITL LTL LUF LVL MRO MTL MXP "
    "MZM NLG PTE ROL RUR SDD SIT SKK SLL SRG STD TMM TRL UAK VEB VEF XEU YUM ZMK ZRN ZWD ZWL"
)
"""Withdrawn codes that statistics still carry; those that collide with statistical jargon (BOP) are left out."""

CODES: Final[frozenset[str]] = ISO_4217 | HISTORIC

WORD_CODES: Final[frozenset[str]] = word_set(
    "ALL AMD ANG BAM BOB CAD COP COU CUP DOP ERN ESP GEL GIP LAK MAD MOP PEN RON SHP SIT SOS STD TOP TRY VES"
)
"""Codes that read as words or abbreviations: they count only in capitals, with nothing but a scale beside them."""

SYMBOLS: Final[dict[str, str]] = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB"}

_NAMES = """
AED dirham|UAE dirham;AFN afghani;ALL lek;AMD dram;AOA kwanza;ARS Argentine peso;AUD Australian dollar
AWG Aruban florin|Aruban guilder;AZN Azerbaijan manat|Azerbaijanian manat;BAM convertible mark;BBD Barbados dollar
BDT taka;BGN Bulgarian lev|lev|leva;BHD Bahraini dinar;BIF Burundi franc;BMD Bermudian dollar;BND Brunei dollar
BOB boliviano;BRL Brazilian real|reais;BSD Bahamian dollar;BTN ngultrum;BWP pula
BYN Belarusian ruble|Belarussian ruble;BZD Belize dollar;CAD Canadian dollar|CAN dollar;CDF Congolese franc
CHF Swiss franc;CLP Chilean peso;CNY yuan|renminbi|Chinese yuan|yuan renminbi|Chinese yuan renminbi
COP Colombian peso;CRC Costa Rican colon;CUP Cuban peso;CVE Cabo Verde escudo|Cape Verde escudo
CZK Czech koruna;DJF Djibouti franc;DKK Danish krone|Danish kroner;DOP Dominican peso;DZD Algerian dinar
EGP Egyptian pound;ETB birr|Ethiopian birr;EUR euro;FJD Fiji dollar;GBP pound sterling|British pound|UK pound|sterling
GEL lari;GHS cedi|Ghana cedi;GMD dalasi;GNF Guinea franc|Guinean franc;GTQ quetzal;GYD Guyana dollar
HKD Hong Kong dollar;HNL lempira;HRK kuna;HTG gourde;HUF forint|Hungarian forint;IDR rupiah
ILS shekel|sheqel|new shekel|new sheqel|Israeli new shekel|new Israeli sheqel;INR Indian rupee;IQD Iraqi dinar
IRR Iranian rial;ISK Iceland krona|Icelandic krona;JMD Jamaican dollar;JOD Jordanian dinar
JPY yen|Japanese yen;KES Kenyan shilling;KGS som;KHR riel;KMF Comorian franc
KRW won|Korean won;KWD Kuwaiti dinar;KYD Cayman Islands dollar;KZT tenge;LAK kip;LBP Lebanese pound
LKR Sri Lanka rupee|Sri Lankan rupee;LRD Liberian dollar;LSL loti|maloti;LYD Libyan dinar;MAD Moroccan dirham
MDL Moldovan leu;MGA ariary|Malagasy ariary;MKD denar;MMK kyat;MNT tugrik|togrog;MOP pataca;MRU ouguiya
MUR Mauritius rupee|Mauritian rupee;MVR rufiyaa;MWK Malawian kwacha|Malawi kwacha;MXN Mexican peso
MYR ringgit|Malaysian ringgit;MZN metical;NAD Namibia dollar|Namibian dollar;NGN naira
NIO cordoba|cordoba oro;NOK Norwegian krone|Norwegian kroner;NPR Nepalese rupee;NZD New Zealand dollar
OMR rial Omani|Omani rial;PAB balboa;PEN nuevo sol|Peruvian sol;PGK kina;PHP Philippine peso;PKR Pakistan rupee
PLN zloty|Polish zloty;PYG guarani;QAR Qatari rial;RON Romanian leu;RSD Serbian dinar;RUB ruble|rouble|Russian ruble
RWF Rwanda franc;SAR Saudi riyal|riyal;SBD Solomon Islands dollar;SCR Seychelles rupee;SDG Sudanese pound
SEK Swedish krona|Swedish kronor;SGD Singapore dollar;SLE leone;SOS Somali shilling;SRD Surinam dollar
STN dobra;SYP Syrian pound;SZL lilangeni;THB baht|bhat|Thai baht|Thai bhat;TJS somoni;TMT Turkmenistan manat
TND Tunisian dinar;TOP paanga|Tongan paanga;TRY Turkish lira|lira;TTD Trinidad and Tobago dollar
TWD Taiwan dollar|new Taiwan dollar;TZS Tanzanian shilling;UAH hryvnia|Ukrainian hryvnia;UGX Uganda shilling
USD dollar|US dollar|U S dollar|United States dollar|American dollar|cent|US cent|U S cent
UYU Uruguayan peso|peso uruguayo;UZS Uzbek sum|Uzbekistan sum;VES bolivar;VND dong
VUV vatu;WST tala;XAF CFA franc BEAC;XOF CFA franc BCEAO
XCD East Caribbean dollar;XDR SDR|special drawing right;XPF CFP franc;YER Yemeni rial;ZAR rand
ZMW Zambian kwacha|kwacha;INR paise
"""

_NATIONAL = (
    "national currency|local currency|domestic currency|own currency|national currencies|local currencies|lcu|"
    "local currency unit|local currency units|peso|rupee|franc|dinar|shilling|krona|krone|koruna|dirham|rial"
)
_INTERNATIONAL = (
    "international dollar|int dollar|ppp dollar|dollar ppp|pps|purchasing power standard|geary khamis dollar"
)


class Mention(NamedTuple):
    """Money named by words: its code (None for national and international units) and how many words name it."""

    code: str | None
    kind: str
    length: int


def _plural(words: tuple[str, ...]) -> tuple[str, ...]:
    return (*words[:-1], words[-1] + "s")


def _phrases(text: str, code: str | None, kind: str) -> dict[tuple[str, ...], Mention]:
    table: dict[tuple[str, ...], Mention] = {}
    for phrase in text.split("|"):
        words = tuple(phrase.casefold().split())
        table[words] = table[_plural(words)] = Mention(code, kind, len(words))
    return table


def _lexicon() -> dict[str, list[tuple[tuple[str, ...], Mention]]]:
    phrases = _phrases(_NATIONAL, None, "national") | _phrases(_INTERNATIONAL, None, "international")
    for entry in _NAMES.replace("\n", ";").strip(";").split(";"):
        code, _, names = entry.partition(" ")
        phrases |= _phrases(names, code, "name")
    by_first: dict[str, list[tuple[tuple[str, ...], Mention]]] = {}
    for words, mention in sorted(phrases.items(), key=lambda item: -len(item[0])):
        by_first.setdefault(words[0], []).append((words, mention))
    return by_first


_BY_FIRST_WORD: Final = _lexicon()


def named_at(words: list[str], position: int) -> Mention | None:
    """The longest currency name or phrase that starts at `position` of lower-case `words`."""
    candidates = _BY_FIRST_WORD.get("dollar" if words[position] == "$" else words[position])
    if candidates is None:
        return None
    for phrase, mention in candidates:
        written = words[position : position + mention.length]
        if tuple(written) == phrase or tuple("dollar" if word == "$" else word for word in written) == phrase:
            return mention
    return None


def code_of(text: str) -> str | None:
    """The ISO code that a structured currency field names ("usd", " EUR "), None when it names none."""
    code = text.strip().upper()
    return code if code in CODES else None
