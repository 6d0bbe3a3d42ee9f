"""The codes of the assessment contract in the words that people read; the one place where they are translated."""

from django.utils.translation import gettext_lazy as _

ITEMS = {
    "history": _("Medical history"),
    "physical_exam": _("Physical examination"),
    "chest_xray": _("Chest x-ray"),
    "chest_xray_repeat": _("Second chest x-ray"),
    "tb_test": _("Test for TB infection"),
    "sputum": _("Sputum, three specimens"),
    "dst": _("Drug susceptibility"),
    "dst_second_line": _("Second-line drug susceptibility"),
    "xpert": _("Molecular TB test"),
    "tb_investigation": _("TB investigation"),
    "syphilis": _("Syphilis"),
    "gonorrhoea": _("Gonorrhoea"),
    "urinalysis": _("Urine"),
    "creatinine": _("Creatinine"),
    "hba1c": _("HbA1c"),
    "blood_count": _("Blood count"),
    "hiv": _("HIV"),
    "hepatitis_b": _("Hepatitis B"),
    "hepatitis_c": _("Hepatitis C"),
    "mental_reassessment": _("Second mental health assessment"),
    "gmhat": _("Mental health interview (GMHAT)"),
    "vaccination": _("Vaccination"),
    "polio_dose": _("Polio dose before leaving"),
    "polio_evidence": _("Written proof of a polio dose"),
    "endocrinologist_report": _("Report of an endocrinologist"),
    "nephrologist_report": _("Report of a nephrologist"),
    "identity": _("Identity check"),
    "consent": _("Consent"),
    "symptom_screen": _("Symptom screen"),
    "clinician_review": _("Review by a clinician"),
}

# What would make the item done.
SATISFIED_BY = {
    "history": _("Every screening question answered."),
    "physical_exam": _("The examination recorded with its day."),
    "chest_xray": _("A film taken and its reading signed."),
    "chest_xray_repeat": _("A film at least three months after the first, with its reading signed."),
    "tb_test": _("A verified result of one accepted test."),
    "sputum": _("Three specimens on three days, each with a verified smear and culture."),
    "dst": _("Isoniazid and rifampicin verified on the isolate."),
    "dst_second_line": _("A fluoroquinolone verified on the isolate."),
    "xpert": _("A verified result."),
    "tb_investigation": _("A film read, or three specimens of sputum or gastric lavage with verified results."),
    "syphilis": _("A verified nontreponemal and treponemal test from one specimen."),
    "gonorrhoea": _("A verified result."),
    "urinalysis": _("Protein, glucose and blood verified."),
    "creatinine": _("A verified value."),
    "hba1c": _("A verified value."),
    "blood_count": _("A verified haemoglobin."),
    "hiv": _("A verified result."),
    "hepatitis_b": _("A verified result."),
    "hepatitis_c": _("A verified result."),
    "mental_reassessment": _("A second assessment after three to six months."),
    "gmhat": _("The interview recorded."),
    "vaccination": _("Every vaccine that is due given, on record, waived or refused."),
    "polio_dose": _("A written polio dose of the last twelve months."),
    "polio_evidence": _("A written polio dose."),
    "endocrinologist_report": _("The report received."),
    "nephrologist_report": _("The report received."),
    "identity": _("The face confirmed against the document at a station."),
    "consent": _("Consent to the examination, given and not withdrawn."),
    "symptom_screen": _("Every screening question answered."),
    "clinician_review": _("The examination recorded with its day."),
}

# The page on which somebody does it (every one takes the key of the screening), and what she needs to do it.
PLACE_PERMISSIONS = {
    "exams:history": "exams.add_medicalhistory",
    "exams:pregnancy": "exams.add_medicalhistory",
    "exams:exam": "exams.add_physicalexam",
    "exams:film": "exams.add_chestxray",
    "screenings:consent": "screenings.add_consent",
    "labs:collect": "labs.add_specimen",
}
PLACES = {
    "history": "exams:history",
    "symptom_screen": "exams:history",
    "physical_exam": "exams:exam",
    "clinician_review": "exams:exam",
    "mental_reassessment": "exams:exam",
    "chest_xray": "exams:film",
    "chest_xray_repeat": "exams:film",
    "tb_investigation": "exams:film",
    "consent": "screenings:consent",
    "person.pregnancy": "exams:pregnancy",
    "history.known_hiv": "exams:history",
    "history.tb_signs": "exams:history",
    "history.tb_history": "exams:history",
    "history.tb_contacts": "exams:history",
    "history.risks": "exams:history",
    "history.polio_area_stay_days": "exams:history",
} | dict.fromkeys(
    (
        "tb_test",
        "sputum",
        "dst",
        "dst_second_line",
        "xpert",
        "syphilis",
        "gonorrhoea",
        "urinalysis",
        "creatinine",
        "hba1c",
        "blood_count",
        "hiv",
        "hepatitis_b",
        "hepatitis_c",
    ),
    "labs:collect",
)

STATES = {
    "done": _("done"),
    "pending": _("awaited"),
    "due": _("to do"),
    "deferred": _("put off"),
    "not_before": _("not yet"),
    "waived": _("waived"),
}
STATE_COLOURS = {
    "done": "green",
    "pending": "blue",
    "due": "amber",
    "deferred": "purple",
    "not_before": "purple",
    "waived": "purple",
}

# Why an item is not waived (`protocols.waivers.why_not`), and what to do instead.
NOT_WAIVED = {
    "ground": _("%(item)s is never waived: everything else rests on it. Have it done."),
    "partner_asked": _("The partner asked for this: %(item)s. Only the partner can let it go; ask there first."),
    "paper_states_it": _(
        "The certificate of this programme states that tuberculosis was looked for, so this is not waived: %(item)s."
        " Have it done, or give the screening up."
    ),
    "class_states_it": _(
        "The class of this programme states the result, so this is not waived: %(item)s. Have it done, or give the"
        " screening up."
    ),
    "each_vaccine": _("Vaccines are waived one by one, each with its reason, where the doses are written down."),
    "result_stands": _(
        "A result that is not clearly negative is on record for this and stands: %(item)s. Finish it; only what is"
        " missing can be waived."
    ),
    "taken": _(
        "This is taken and its result is on the way: %(item)s. Wait for it, or have the specimen rejected first if it"
        " will never come."
    ),
    "age_open": _("It depends on the age whether this is asked for: %(item)s. Decide which age counts."),
}

REASONS = {
    "unanswered": _("A screening question is not answered yet."),
    "pregnancy": _("Put off because of the pregnancy."),
    "pregnancy_unknown": _("The pregnancy question comes first."),
    "first_trimester": _("Not in the first three months of a pregnancy."),
    "live_vaccine": _("A live vaccine was given less than 28 days ago."),
    "repeat": _("The last result proves nothing; take it again."),
    "molecular_repeat": _("The molecular test of the first specimen proves nothing; it has to be made on a later one."),
    "contaminated": _("A culture was contaminated; take another specimen."),
    "same_day": _("Two specimens were taken on one day; only one of them counts."),
    "effusion_not_excluded": _("The reading does not say how an effusion was excluded."),
    "unread": _("The film is taken and not read yet."),
    "result_awaited": _("Taken; the verified result is awaited."),
    "second_treponemal": _("The treponemal test alone is reactive; a second one by another method decides."),
    "different_specimens": _("The two tests come from different specimens; take both from one."),
    "outside_result": _("The blood was drawn elsewhere or before the examination; take it here."),
    "method_not_accepted": _("This programme does not accept the method that was used."),
    "insufficient_information": _("There is not enough information yet."),
    "interval": _("The time between the two is not over."),
    "age_ambiguous": _("It depends on the age, which is not certain."),
    "not_documented": _("There is no written proof."),
}

UNKNOWN = {
    "history.known_hiv": _("Nobody asked about a known HIV infection."),
    "history.tb_signs": _("Nobody asked about signs of tuberculosis."),
    "history.tb_history": _("Nobody asked about earlier tuberculosis."),
    "history.tb_contacts": _("Nobody asked about contact with tuberculosis."),
    "history.risks": _("Nobody asked about risks."),
    "history.polio_area_stay_days": _("Nobody asked how many days were spent in Afghanistan."),
    "person.pregnancy": _("Nobody asked about pregnancy."),
    "tb_incidence_per_100k": _("How common tuberculosis is in this country is not on record."),
}

# The same in a list of what is missing.
QUESTIONS = {
    "history.known_hiv": _("the question about HIV"),
    "history.tb_signs": _("the question about signs of tuberculosis"),
    "history.tb_history": _("the question about earlier tuberculosis"),
    "history.tb_contacts": _("the question about contact with tuberculosis"),
    "history.risks": _("the question about risks"),
    "history.polio_area_stay_days": _("the days spent in Afghanistan"),
    "person.pregnancy": _("the pregnancy question"),
    "tb_incidence_per_100k": _("how common tuberculosis is here"),
}

OUTCOMES = {
    "cleared": _("ready to sign"),
    "not_cleared": _("a bar is established"),
    "incomplete": _("waiting"),
    "physician_decision": _("needs your judgement"),
    "contradiction": _("records contradict each other"),
}
OUTCOME_COLOURS = {
    "cleared": "green",
    "not_cleared": "red",
    "incomplete": "amber",
    "physician_decision": "purple",
    "contradiction": "red",
}
SIGNED = {"cleared": _("cleared"), "not_cleared": _("not cleared")}

CLASSES = {
    "tb_none": _("No TB classification"),
    "tb_a": _("TB, Class A"),
    "tb_b0": _("TB, Class B0: treated here"),
    "tb_b1_pulmonary": _("TB, Class B1, pulmonary"),
    "tb_b1_extrapulmonary": _("TB, Class B1, extrapulmonary"),
    "tb_b2": _("TB, Class B2: TB infection"),
    "tb_b3": _("TB, Class B3: contact"),
    "syphilis_a": _("Syphilis, Class A"),
    "syphilis_b": _("Syphilis, Class B: treated"),
    "gonorrhoea_a": _("Gonorrhoea, Class A"),
    "gonorrhoea_b": _("Gonorrhoea, Class B: treated"),
    "hansens_a": _("Hansen's disease, Class A"),
    "hansens_b": _("Hansen's disease, Class B"),
    "substance_a": _("Substance use, Class A"),
    "substance_b": _("Substance use, Class B"),
    "mental_a": _("Mental disorder, Class A"),
    "mental_b": _("Mental disorder, Class B"),
    "vaccination_a": _("Vaccination refused, Class A"),
    "pregnancy_b": _("Pregnancy, Class B"),
    "other_b": _("Other condition, Class B"),
}

REMARKS = {
    "cardiac": _("The film shows a cardiac finding that needs follow-up."),
    "musculoskeletal": _("The film shows a skeletal finding that needs follow-up."),
    "other_follow_up": _("The film shows another finding that needs follow-up."),
    "tb_contact": _("Contact with tuberculosis beside Class B1."),
    "ntm": _("A culture grew mycobacteria other than tuberculosis."),
    "consult_partner": _("Consult the partner before a treatment is chosen: the strain is resistant."),
    "presumptive_tb": _("Presumptive tuberculosis."),
}

WARNINGS = {
    "age_ambiguous": _("The age is not certain, and the rules differ between its two ends. Decide which age counts."),
    "age_limit_crossed": _("A birthday between the examination and today changed what the programme asks for."),
    "birth_date_placeholder": _("The birth date is a day that often stands for an unknown one. Look at the document."),
    "contact_details_missing": _("The TB contact needs the source's name, the relationship and the type of TB."),
    "critical_result": _("A critical result: telephone today and have it read back."),
    "different_specimens": _("The two syphilis tests come from different specimens."),
    "outside_result": _("A syphilis result from elsewhere, or from before the examination, does not count."),
    "sputum_same_day": _("Two sputum specimens were taken on one day; one of them does not count."),
    "sputum_contaminated": _("A sputum culture was contaminated and does not count."),
    "test_method_not_accepted": _("This programme does not accept the skin test at this age."),
    "film_without_consent": _("A film was taken in pregnancy and no consent is on record."),
    "film_without_shielding": _("A film was taken in pregnancy and no shielding is on record."),
    "comment_required": _("Grade B needs a comment for the partner. Write it beside your signature."),
    "comment_forbidden": _("Grade A takes no comment."),
    "grade_lowering_refused": _("A grade is raised and never lowered; the findings make it B."),
    "expires_before_arrival": _("The result ends before the planned arrival."),
    "passport_expires_before_departure": _("The passport expires before the departure."),
    "fit_to_travel_expired": _("The departure is more than 72 hours after the check. Examine again closer to it."),
    "item_waived": _("A physician waived what this programme asks for; it stands in the list with the reason."),
    "waiver_without_effect": _("A waiver no longer counts: the item is begun, or what was found since asks for it."),
    "polio_dose_under_4_weeks": _("The polio dose is less than four weeks old at departure."),
}

METHODS = {
    "igra": _("IGRA (blood)"),
    "tst": _("skin test"),
    "chest_xray": _("chest x-ray"),
    "sputum": _("sputum"),
    "gastric_lavage": _("gastric lavage"),
}

COMPUTED = {
    "tb_test": _("Test for TB infection"),
    "drug_resistance": _("Drug resistance"),
    "egfr_ml_min_173m2": _("eGFR (mL/min/1.73 m²)"),
    "hba1c_mmol_mol": _("HbA1c (mmol/mol)"),
}
COMPUTED_VALUES = {
    "positive": _("positive"),
    "negative": _("negative"),
    "indeterminate": _("indeterminate"),
    "incomplete": _("not computed in pregnancy"),
    "susceptible": _("susceptible"),
    "hr": _("isoniazid resistant"),
    "rr": _("rifampicin resistant"),
    "mdr": _("MDR"),
    "pre_xdr": _("pre-XDR"),
    "xdr": _("XDR"),
}

FITNESS = {
    "F1": _("F1: fit to travel"),
    "F2": _("F2: fit to travel under conditions"),
    "F3": _("F3: fit to travel with an escort"),
    "F3N": _("F3N: fit to travel with a nurse"),
    "F3D": _("F3D: fit to travel with a doctor"),
    "F4": _("F4: not fit to travel"),
    "F5": _("F5: fit to travel on a stretcher"),
}
CONDITIONS_OF_TRAVEL = {
    "pregnancy_letter": _("letter about the pregnancy"),
    "medical_clearance": _("medical clearance by the airline"),
    "oxygen_assessment": _("assessment for oxygen"),
    "oxygen_or_transfusion_review": _("review for oxygen or a transfusion"),
    "wheelchair": _("wheelchair"),
    "extra_seat": _("extra seat"),
    "medicines_in_hand": _("medicines in the hand luggage"),
    "oxygen": _("oxygen"),
    "escort_operational": _("escort"),
    "escort_nurse": _("escort by a nurse"),
    "escort_doctor": _("escort by a doctor"),
    "stretcher": _("stretcher"),
}
