from django.db import migrations


def search_keys(apps, schema_editor):
    """What everybody is found by, from the names that are written down."""
    from mhac.patients import matching

    patients = apps.get_model('patients', 'Patient').objects.using(schema_editor.connection.alias)
    for each in patients.iterator(chunk_size=2000):
        names = (each.given_name, each.family_name, each.native_name)
        born = (each.born_earliest, each.born_latest)
        found_as = matching.keys(*names, relatives=(each.father_name,), born=born)
        patients.filter(pk=each.pk).update(found_as=found_as)


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0004_one_person_many_records'),
    ]

    operations = [
        # By itself: indexes are made at the end of a migration, and not while rows are being written.
        migrations.RunPython(search_keys, migrations.RunPython.noop),
    ]
