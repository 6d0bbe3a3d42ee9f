"""What was answered before other rooms could know it."""

from django.db import migrations


def tell(apps, schema_editor):
    Screening = apps.get_model("screenings", "Screening")
    for answer in apps.get_model("exams", "Pregnancy").objects.values_list("screening_id", "pregnant").iterator():
        Screening.objects.filter(pk=answer[0]).update(pregnant=answer[1])


class Migration(migrations.Migration):
    dependencies = [
        ("exams", "0003_polio_doses_on_record"),
        ("screenings", "0005_whether_pregnant"),
    ]

    operations = [migrations.RunPython(tell, migrations.RunPython.noop)]
