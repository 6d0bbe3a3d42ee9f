from django.db import migrations, transaction

BATCH = 2000


def search_keys(apps, schema_editor):
    """What everybody is found by, again: two sounds, or a sound and a year, are one key now."""
    from mhac.patients import matching

    def keys(each):
        names = (each.given_name, each.family_name, each.native_name)
        return matching.keys(*names, relatives=(each.father_name,), born=(each.born_earliest, each.born_latest))

    patients = apps.get_model('patients', 'Patient').objects.using(schema_editor.connection.alias)
    standing, last = patients.filter(canonical=None).order_by('pk'), None
    while batch := list((standing.filter(pk__gt=last) if last else standing)[:BATCH]):
        found = {each.pk: [keys(each)] for each in batch}
        for each in patients.filter(canonical__in=batch):
            found[each.canonical_id].append(keys(each))
        rows = [(matching.merged(sets), pk) for pk, sets in found.items()]
        with transaction.atomic(schema_editor.connection.alias), schema_editor.connection.cursor() as cursor:
            cursor.executemany('UPDATE patients_patient SET found_as = %s WHERE id = %s', rows)
        last = batch[-1].pk


class Migration(migrations.Migration):

    # Each batch by itself, so that nobody waits for all; begun again it writes the same.
    atomic = False

    dependencies = [
        ('patients', '0005_search_keys'),
    ]

    operations = [
        migrations.RunPython(search_keys, migrations.RunPython.noop),
    ]
