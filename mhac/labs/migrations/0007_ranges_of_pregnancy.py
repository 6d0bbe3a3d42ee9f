from django.db import migrations, models

TUBES = [
    ("serum", "serum (red or gold)"),
    ("edta", "EDTA (lavender)"),
    ("fluoride", "fluoride (grey)"),
    ("urine", "urine (yellow)"),
    ("sputum", "sputum container"),
    ("qft", "QuantiFERON set (four tubes)"),
    ("heparin", "heparin (green)"),
    ("stool", "stool container"),
]


class Migration(migrations.Migration):
    dependencies = [("labs", "0006_how_many_measurements_a_target_has")]

    operations = [
        *(
            migrations.AddField(
                model_name=name,
                name="pregnant",
                field=models.BooleanField(default=False, verbose_name="in pregnancy"),
            )
            for name in ("historicalreferencerange", "referencerange")
        ),
        *(
            migrations.AlterField(
                model_name=name,
                name="tube",
                field=models.CharField(choices=TUBES, max_length=8, verbose_name="tube"),
            )
            for name in ("historicalspecimen", "historicaltest", "specimen", "test")
        ),
    ]
