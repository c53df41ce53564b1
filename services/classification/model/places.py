"""Names of places and of money: what an answer must not depend on."""

from typing import Final

from services.classification.rules.names import word_set

COUNTRY_WORDS: Final = word_set(
    """
    afghanistan albania algeria andorra angola argentina armenia aruba australia austria azerbaijan bahamas
    bahrain bangladesh barbados belarus belgium belize benin bermuda bhutan bolivia botswana brazil brunei
    bulgaria burundi cambodia cameroon canada chad chile china colombia comoros congo croatia cuba cyprus
    czechia denmark djibouti dominica ecuador egypt eritrea estonia eswatini ethiopia fiji finland france gabon
    gambia georgia germany ghana greece greenland grenada guatemala guinea guyana haiti honduras hungary iceland
    india indonesia iran iraq ireland israel italy jamaica japan jordan kazakhstan kenya kiribati korea kosovo
    kuwait kyrgyzstan laos latvia lebanon lesotho liberia libya liechtenstein lithuania luxembourg macau
    madagascar malawi malaysia maldives mali malta mauritania mauritius mexico moldova monaco mongolia
    montenegro morocco mozambique myanmar namibia nauru nepal netherlands nicaragua niger nigeria norway oman
    pakistan palau panama paraguay peru philippines poland portugal qatar romania russia rwanda samoa senegal
    serbia seychelles singapore slovakia slovenia somalia spain sudan suriname sweden switzerland syria taiwan
    tajikistan tanzania thailand togo tonga tunisia turkey turkiye turkmenistan tuvalu uganda ukraine uruguay
    uzbekistan vanuatu venezuela vietnam yemen zambia zimbabwe america eurozone euroarea alabama alaska arizona
    arkansas california colorado connecticut delaware florida hawaii idaho illinois indiana iowa kansas kentucky
    louisiana maine maryland massachusetts michigan minnesota mississippi missouri montana nebraska nevada ohio
    oklahoma oregon pennsylvania tennessee texas utah vermont virginia wisconsin wyoming philadelphia dallas
    chicago tokyo richmond
    """
)
"""Single words that name a place: dropped, so that an answer never depends on the country (classification spec 7)."""

COUNTRY_PAIRS: Final = frozenset(
    (pair.partition("_")[0], pair.partition("_")[2])
    for pair in word_set(
        """
        united_states united_kingdom united_arab arab_emirates south_africa south_korea north_korea
        south_sudan saudi_arabia hong_kong sri_lanka new_zealand costa_rica el_salvador burkina_faso
        sierra_leone czech_republic dominican_republic central_african african_republic ivory_coast
        cote_divoire equatorial_guinea puerto_rico papua_new new_guinea cape_verde cabo_verde san_marino
        solomon_islands marshall_islands east_timor timor_leste euro_area european_union north_macedonia
        trinidad_tobago antigua_barbuda st_lucia st_kitts new_caledonia cayman_islands faroe_islands
        bosnia_herzegovina new_york new_jersey new_mexico new_hampshire north_carolina south_carolina
        north_dakota south_dakota west_virginia rhode_island guinea_bissau sao_tome west_bank kyrgyz_republic
        slovak_republic lao_pdr russian_federation
        """
    )
)
"""Pairs of words that name a place."""

CURRENCY_CODES: Final = word_set(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
    CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD
    HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL
    LYD MAD MDL MGA MKD MMK MNT MOP MRO MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP
    PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STD STN SVC SYP SZL THB TJS
    TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VEF VES VND VUV WST XAF XCD XDR XOF XPF YER ZAR ZMK ZMW
    ZWG ZWL BYR SDR SDRS LCU ECU
    """
)
"""ISO 4217 codes (and what publishers write in their place): all become one token."""

CURRENCY_NAMES: Final = word_set(
    """
    dollar dollars euro euros pound pounds sterling yen yuan renminbi won rupee rupees rupiah peso pesos real
    reais franc francs lira ruble rubles rouble rand krona kronor krone kroner zloty forint koruna leu lev baht
    ringgit dirham dinar riyal rial shekel shekels hryvnia tenge naira cedi shilling shillings birr kwacha taka
    dong sol bolivar guarani colon lempira quetzal
    """
)
"""Names of currencies, read as money only inside a unit."""
