"""What the papers say, in their own three languages.

A paper does not change with the language of whoever prints it, so these lines are not in the translation files. The
Dari and Pashto lines are plain renderings of the English ones; the English text counts, and a sworn translator has yet
to confirm the others.
"""

from typing import NamedTuple


class Line(NamedTuple):
    en: str
    fa: str
    ps: str


TITLES = {
    "ime_summary": Line(
        "Immigration medical examination: summary", "خلاصهٔ معاینات صحی مهاجرت", "د کډوالۍ د روغتیايي معاینو لنډیز"
    ),
    "tb_clearance": Line(
        "Tuberculosis clearance certificate", "تصدیق‌نامهٔ نداشتن توبرکلوز (سل)", "د نري رنځ (توبرکلوز) د نه‌لرلو تصدیق‌لیک"
    ),
    "fit_to_travel": Line("Fit-to-travel letter", "تصدیق‌نامهٔ صحی برای سفر", "د سفر لپاره روغتیايي تصدیق‌لیک"),
}

HEADINGS = {
    "identity": Line("Identity", "هویت", "پېژندنه"),
    "examinations": Line("Examinations", "معاینات", "معاینې"),
    "result": Line("Result", "نتیجه", "پایله"),
    "validity": Line("Validity", "مدت اعتبار", "د اعتبار موده"),
    "conditions": Line("Conditions", "شرایط", "شرطونه"),
    "journey": Line("Journey", "سفر", "سفر"),
    "physician": Line("Physician", "داکتر", "ډاکټر"),
    "check": Line("Check this document", "بررسی اصالت این سند", "د دې سند د اصلیت کتنه"),
}

RESULTS = {
    "complete": Line("The examination is complete.", "معاینه تکمیل شده است.", "معاینه بشپړه شوې ده."),
    "tb_cleared": Line(
        "No evidence of active pulmonary tuberculosis was found.",
        "هیچ نشانه‌ای از توبرکلوز (سل) فعال شش دیده نشد.",
        "د سږو د فعال نري رنځ (توبرکلوز) هېڅ نښه ونه موندل شوه.",
    ),
    "fit": Line("Fit to travel.", "از نگاه صحی توان سفر را دارد.", "د روغتیا له پلوه سفر کولای شي."),
    "fit_with_conditions": Line(
        "Fit to travel under the conditions below.",
        "با رعایت شرایط زیر، از نگاه صحی توان سفر را دارد.",
        "د لاندې شرطونو په پام کې نیولو سره سفر کولای شي.",
    ),
}

NOT_A_VISA = Line(
    "This is not a visa document. The authority of the country of destination decides.",
    "این سند ویزه نیست. تصمیم را مقام‌های کشور مقصد می‌گیرند.",
    "دا سند ویزه نه ده. پرېکړه د منزل د هېواد چارواکي کوي.",
)
VALID_UNTIL = Line("Valid until", "معتبر تا", "تر دې نېټې د اعتبار وړ")
TRAINING = Line(
    "TRAINING: this paper is about nobody and proves nothing.",
    "تمرینی: این ورق دربارهٔ هیچ‌کس نیست و چیزی را ثابت نمی‌کند.",
    "تمریني: دا پاڼه د هېچا په اړه نه ده او هېڅ نه ثابتوي.",
)

ITEMS = {
    "identity": "Identity check with photo and document",
    "symptom_screen": "Questions about signs of tuberculosis",
    "history": "Medical history",
    "physical_exam": "Physical examination",
    "clinician_review": "Review by a clinician",
    "chest_xray": "Chest x-ray",
    "chest_xray_repeat": "Repeat chest x-ray",
    "tb_test": "Test for tuberculosis infection",
    "tb_investigation": "Investigation for tuberculosis",
    "sputum": "Sputum examination",
    "xpert": "Molecular test for tuberculosis",
    "dst": "Drug susceptibility test",
    "dst_second_line": "Second-line drug susceptibility test",
    "urinalysis": "Urinalysis",
    "creatinine": "Creatinine",
    "hba1c": "HbA1c",
    "blood_count": "Blood count",
    "syphilis": "Syphilis serology",
    "gonorrhoea": "Gonorrhoea test",
    "hiv": "HIV test",
    "hepatitis_b": "Hepatitis B test",
    "hepatitis_c": "Hepatitis C test",
    "gmhat": "Mental health assessment",
    "mental_reassessment": "Mental health reassessment",
    "vaccination": "Vaccination review",
    "polio_dose": "Polio vaccination before departure",
    "polio_evidence": "Proof of polio vaccination",
    "endocrinologist_report": "Endocrinologist's report",
    "nephrologist_report": "Nephrologist's report",
}
GRADES = {
    "A": "Grade proposed: A, no significant or abnormal findings.",
    "B": "Grade proposed: B, significant or abnormal findings are reported to the authority.",
}
CATEGORIES = {
    "F1": "F1: fit to travel, no special needs",
    "F2": "F2: fit to travel with the conditions below",
    "F3": "F3: fit to travel with an operational escort",
    "F3N": "F3N: fit to travel with a nurse",
    "F3D": "F3D: fit to travel with a doctor",
    "F5": "F5: fit to travel on a stretcher, with an escort",
}
CONDITIONS = {
    "pregnancy_letter": "Carries a letter of the maternity care provider",
    "medical_clearance": "Medical clearance of the carrier is needed",
    "oxygen_assessment": "Need for oxygen to be assessed before boarding",
    "oxygen_or_transfusion_review": "To be reviewed by a physician before boarding",
    "wheelchair": "Wheelchair",
    "extra_seat": "Extra seat",
    "medicines_in_hand": "Medicines in hand luggage",
    "oxygen": "Oxygen on board",
    "escort_operational": "Operational escort",
    "escort_nurse": "Nurse escort",
    "escort_doctor": "Doctor escort",
    "stretcher": "Stretcher",
}
SEXES = {"female": "Female", "male": "Male", "unknown": "Not stated"}
DOCUMENTS = {
    "passport": "Passport",
    "e_tazkira": "e-Tazkira",
    "tazkira": "Tazkira",
    "unhcr": "UNHCR number",
    "por_card": "PoR card",
    "acc": "Afghan Citizen Card",
    "other": "Document",
}
MODES = {"air": "by air", "land": "by land"}
BORN_ABOUT = {
    "month": "only the month is known",
    "year": "only the year is known",
    "age_stated": "estimated from the stated age",
    "day": "only an interval is known",
}
