"""Closed vocabularies of the `assess` contract. Codes are stored and sent; what people read is translated elsewhere."""

from __future__ import annotations

PROGRAMMES = (
    "us-iv",
    "us-refugee",
    "ca",
    "au-humanitarian",
    "au-permanent",
    "nz-residence",
    "uk-tb",
    "uk-resettlement",
    "returnee-avrr",
    "border-arrival",
)
SCREENING_QUESTIONS = ("known_hiv", "tb_signs", "tb_history", "tb_contacts", "risks")

ITEMS = (
    "history",
    "physical_exam",
    "chest_xray",
    "chest_xray_repeat",
    "tb_test",
    "sputum",
    "dst",
    "dst_second_line",
    "xpert",
    "tb_investigation",
    "syphilis",
    "gonorrhoea",
    "urinalysis",
    "creatinine",
    "hba1c",
    "blood_count",
    "hiv",
    "hepatitis_b",
    "hepatitis_c",
    "mental_reassessment",
    "gmhat",
    "vaccination",
    "polio_dose",
    "polio_evidence",
    "endocrinologist_report",
    "nephrologist_report",
    "identity",
    "consent",
    "symptom_screen",
    "clinician_review",
)
FILMS = frozenset({"chest_xray", "chest_xray_repeat"})
ACCEPTS = {
    "tb_test": ("igra", "tst"),
    "tb_investigation": ("chest_xray", "sputum", "gastric_lavage"),
}

SEXES = ("female", "male", "unknown")
BIRTH_PRECISIONS = ("day", "month", "year", "age_stated")
BIRTH_SOURCES = ("passport", "case_file", "tazkira", "stated")
FILM_CHOICES = ("shielded_film", "defer", "sputum")
TB_SIGNS = ("cough", "haemoptysis", "fever", "night_sweats", "weight_loss", "poor_growth", "lymph_nodes")
TREATED_BY = ("panel_site", "elsewhere", "untreated")
RISKS = (
    "mother_hiv",
    "blood_products",
    "transplant",
    "dialysis",
    "head_neck_cancer",
    "immunodeficiency",
    "health_care_work",
)
TEST_KINDS = ("igra", "tst")
POSITIVE_NEGATIVE = ("positive", "negative")
VACCINES = (
    "dtap",
    "td_tdap",
    "ipv",
    "opv",
    "mmr",
    "measles",
    "rotavirus",
    "hib",
    "hepatitis_a",
    "hepatitis_b",
    "menacwy",
    "varicella",
    "pneumococcal",
    "influenza",
    "yellow_fever",
    "bcg",
    "covid_19",
)
LIVE_INJECTED = frozenset({"mmr", "measles", "varicella", "yellow_fever"})
POLIO_VACCINES = frozenset({"ipv", "opv"})

FILM_FINDINGS_SUGGESTIVE = frozenset(
    {
        "infiltrate",
        "fibrosis",
        "cavity",
        "nodule_ill_defined",
        "pleural_effusion",
        "adenopathy",
        "miliary",
        "linear_opacity",
        "nodule_uncalcified",
        "volume_loss",
        "pleural_irregular_thickening",
        "other_suggestive",
    }
)
FILM_FINDINGS_FOLLOW_UP = frozenset({"cardiac", "musculoskeletal", "other_follow_up"})
SMOOTH_THICKENING_AT_ANGLE = "pleural_smooth_thickening_at_angle"
FILM_FINDINGS_NO_CONSEQUENCE = frozenset(
    {
        "pleural_smooth_thickening",
        SMOOTH_THICKENING_AT_ANGLE,
        "diaphragmatic_tenting",
        "calcified_nodule",
        "calcified_node",
        "musculoskeletal_minor",
    }
)
FILM_FINDINGS = FILM_FINDINGS_SUGGESTIVE | FILM_FINDINGS_FOLLOW_UP | FILM_FINDINGS_NO_CONSEQUENCE
EFFUSION_EXCLUDED_BY = ("lateral_film", "decubitus_film", "ultrasound")

IGRA_RESULTS = ("positive", "negative", "indeterminate", "borderline")
SMEARS = ("negative", "scanty", "1+", "2+", "3+")
MOLECULAR = ("not_detected", "trace", "very_low", "low", "medium", "high", "invalid")
MOLECULAR_POSITIVE = frozenset({"very_low", "low", "medium", "high"})
RIFAMPICIN = ("not_detected", "detected", "indeterminate")
CULTURES = ("negative", "mtb", "ntm", "contaminated")
DRUGS = (
    "isoniazid",
    "rifampicin",
    "ethambutol",
    "pyrazinamide",
    "levofloxacin",
    "moxifloxacin",
    "bedaquiline",
    "linezolid",
)
FLUOROQUINOLONES = frozenset({"levofloxacin", "moxifloxacin"})
SUSCEPTIBILITY = ("S", "I", "R")
TREATMENT_SITES = ("panel_site", "elsewhere")
END_FILMS = ("improved", "stable", "worse")

LABORATORIES = ("own", "outside")
REACTIVE = ("reactive", "nonreactive")
TREPONEMAL_METHODS = ("tppa", "tpha", "eia", "rdt")
NAAT = ("detected", "not_detected", "invalid")
SEROLOGY = ("reactive", "nonreactive", "indeterminate")
URINALYSIS = ("normal", "abnormal")
REPORTS = ("endocrinologist", "nephrologist")

TABLE_VACCINES = (
    "dtap",
    "td_tdap",
    "polio",
    "mmr",
    "rotavirus",
    "hib",
    "hepatitis_a",
    "hepatitis_b",
    "menacwy",
    "varicella",
    "pneumococcal",
    "influenza",
)
WAIVER_REASONS = (
    "not_age_appropriate",
    "insufficient_interval",
    "contraindicated",
    "not_available",
    "not_flu_season",
)

HARMFUL_BEHAVIOUR = ("none", "current", "past_likely", "past_unlikely")
HANSENS_TYPES = ("multibacillary", "paucibacillary")
INFARCTION_RISKS = ("low", "moderate")
CONDITIONS = (
    "genital_ulcer",
    "urethral_discharge",
    "extrapulmonary_tb",
    "hansens",
    "substance_use",
    "mental_disorder",
    "infectious_disease",
    "myocardial_infarction",
    "heart_failure",
    "unstable_angina",
    "pneumothorax",
    "abdominal_surgery",
    "thoracic_surgery",
    "psychosis",
    "other",
)

TRAVEL_MODES = ("air", "land")
TRAVEL_NEEDS = (
    "wheelchair",
    "extra_seat",
    "medicines_in_hand",
    "oxygen",
    "escort_operational",
    "escort_nurse",
    "escort_doctor",
    "stretcher",
)

# `list_complete` and `waive` are ours: the first answers an edition whose list of items is not known (`LIST-1`), the
# second replaces a missing item (`WAIVE-1`).
DECISIONS = ("tb_disease", "no_tb_disease", "use_age", "order", "grade", "list_complete", "waive")
GRADES = ("A", "B")

# ISO 3166-1 alpha-3, officially assigned codes.
_ALPHA_3 = """
    ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH
    BLM BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB
    CUW CXR CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO
    GGY GHA GIB GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN
    IRQ ISL ISR ITA JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA
    MAC MAF MAR MCO MDA MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER
    NFK NGA NIC NIU NLD NOR NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU
    RUS RWA SAU SDN SEN SGP SGS SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA
    TCD TGO THA TJK TKL TKM TLS TON TTO TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT
    WLF WSM YEM ZAF ZMB ZWE
"""
COUNTRIES = frozenset(_ALPHA_3.split())

# What people are asked to bring (`[[papers]]` of an edition).
PAPERS = (
    "passport",
    "passport_copy",
    "photo_35x45",
    "telephone",
    "email",
    "address",
    "polio_card",
)
