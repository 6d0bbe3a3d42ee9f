"""The words of the examination rooms: codes as in mhac.protocols.vocabulary, labels as people read them."""

from django.utils.translation import gettext_lazy as _

TB_SIGNS = {
    "cough": _("cough"),
    "haemoptysis": _("coughing up blood"),
    "fever": _("fever"),
    "night_sweats": _("night sweats"),
    "weight_loss": _("loss of weight"),
    "poor_growth": _("poor growth (child)"),
    "lymph_nodes": _("swollen lymph nodes"),
}
TREATED_BY = {
    "panel_site": _("treated by this or another panel site"),
    "elsewhere": _("treated elsewhere"),
    "untreated": _("not treated"),
}
POLIO_VACCINES = {
    "opv": _("oral (drops)"),
    "ipv": _("inactivated (injection)"),
}
RISKS = {
    "mother_hiv": _("mother with HIV infection"),
    "blood_products": _("blood or blood products received"),
    "transplant": _("transplant"),
    "dialysis": _("dialysis"),
    "head_neck_cancer": _("cancer of head or neck"),
    "immunodeficiency": _("weak immune system, by illness or treatment"),
    "health_care_work": _("works or will work in health care"),
}
QUESTIONS = {
    "known_hiv": _("Does she or he know of an HIV infection?"),
    "tb_signs": _("Any sign of tuberculosis now?"),
    "tb_history": _("Ever had tuberculosis, treated or not?"),
    "tb_contacts": _("Lived with or cared for somebody with tuberculosis?"),
    "risks": _("Any of these risks?"),
}

# The order of the paper form. Our own list: no programme names the systems.
SYSTEMS = {
    "general": _("General appearance"),
    "skin": _("Skin"),
    "eyes": _("Eyes"),
    "ears_nose_throat": _("Ears, nose, throat, mouth"),
    "lymph_nodes": _("Lymph nodes"),
    "heart": _("Heart and circulation"),
    "lungs": _("Lungs"),
    "abdomen": _("Abdomen"),
    "genitalia": _("Genitalia (external)"),
    "limbs": _("Back and limbs"),
    "nervous": _("Nervous system"),
    "mental": _("Behaviour and mental state"),
}

CONDITIONS = {
    "genital_ulcer": _("Genital ulcer"),
    "urethral_discharge": _("Urethral discharge"),
    "extrapulmonary_tb": _("Tuberculosis outside the lungs"),
    "hansens": _("Hansen's disease (leprosy)"),
    "substance_use": _("Substance use"),
    "mental_disorder": _("Mental disorder"),
    "infectious_disease": _("Other infectious disease"),
    "myocardial_infarction": _("Heart attack"),
    "heart_failure": _("Heart failure"),
    "unstable_angina": _("Unstable angina"),
    "pneumothorax": _("Pneumothorax"),
    "abdominal_surgery": _("Abdominal surgery"),
    "thoracic_surgery": _("Chest surgery"),
    "psychosis": _("Psychosis"),
    "other": _("Other condition"),
}
HANSENS_TYPES = {"multibacillary": _("multibacillary"), "paucibacillary": _("paucibacillary")}
HARMFUL_BEHAVIOUR = {
    "none": _("none"),
    "current": _("current"),
    "past_likely": _("in the past, likely to recur"),
    "past_unlikely": _("in the past, unlikely to recur"),
}
INFARCTION_RISKS = {"low": _("low risk"), "moderate": _("moderate risk")}

FILM_SUGGESTIVE = {
    "infiltrate": _("infiltrate or consolidation"),
    "cavity": _("cavity"),
    "nodule_ill_defined": _("nodule with ill-defined margins"),
    "pleural_effusion": _("pleural effusion"),
    "adenopathy": _("hilar or mediastinal adenopathy"),
    "miliary": _("miliary pattern"),
    "fibrosis": _("fibrosis or scars"),
    "linear_opacity": _("discrete linear opacity"),
    "nodule_uncalcified": _("discrete nodule without calcification"),
    "volume_loss": _("loss of volume or retraction"),
    "pleural_irregular_thickening": _("irregular thick pleural reaction"),
    "other_suggestive": _("other, suggests tuberculosis"),
}
FILM_FOLLOW_UP = {
    "cardiac": _("cardiac"),
    "musculoskeletal": _("musculoskeletal, needs follow-up"),
    "other_follow_up": _("other, needs follow-up"),
}
FILM_NO_CONSEQUENCE = {
    "pleural_smooth_thickening": _("smooth pleural thickening"),
    "pleural_smooth_thickening_at_angle": _("smooth pleural thickening at the costophrenic angle"),
    "diaphragmatic_tenting": _("diaphragmatic tenting"),
    "calcified_nodule": _("single calcified nodule or granuloma"),
    "calcified_node": _("calcified lymph node"),
    "musculoskeletal_minor": _("minor musculoskeletal finding"),
}
FILM_GROUPS = (
    ("suggestive", _("Suggests tuberculosis"), FILM_SUGGESTIVE),
    ("follow_up", _("Other, needs follow-up"), FILM_FOLLOW_UP),
    ("no_consequence", _("No consequence"), FILM_NO_CONSEQUENCE),
)
FILM_FINDINGS = FILM_SUGGESTIVE | FILM_FOLLOW_UP | FILM_NO_CONSEQUENCE

FILM_PUT_OFF = {
    "pregnancy_unknown": _(
        "Pregnancy was not asked today. Send her to the nurse for the pregnancy question, then take the film."
    ),
    "pregnancy": _(
        "She is pregnant and the film is put off. Only a choice of a shielded film, recorded by the nurse, "
        "and a programme that allows it let you take it now."
    ),
    "first_trimester": _(
        "She is pregnant and in the first three months, or the weeks are not stated: no film now. "
        "Ask the nurse to state the weeks or the expected date."
    ),
}
