import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

ONE_OWNER = ('e_tazkira', 'unhcr', 'por_card')


def as_compared(apps, schema_editor):
    """Numbers written before kinds had rules: letters and digits only; a second owner under another issuer is said."""
    import re

    documents = apps.get_model('patients', 'IdentityDocument').objects.using(schema_editor.connection.alias)
    for document in documents.filter(number__regex=r'[^0-9A-Z]').only('number'):
        number = re.sub(r'[\W_]', '', document.number).upper()
        if number:
            documents.filter(pk=document.pk).update(number=number)
    seen = set()
    for document in documents.filter(kind__in=ONE_OWNER).order_by('id').only('kind', 'number'):
        if (document.kind, document.number) in seen:
            said = 'Two people carried this number before it was compared without its issuer.'
            documents.filter(pk=document.pk).update(shared_because=said)
        seen.add((document.kind, document.number))


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('patients', '0002_verbose_names_and_order'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='identitydocument',
            options={'ordering': ['id'], 'permissions': [('share_document', 'May let two people carry the same tazkira number')], 'verbose_name': 'identity document'},
        ),
        migrations.RemoveConstraint(
            model_name='identitydocument',
            name='one_owner_per_document',
        ),
        migrations.AddField(
            model_name='historicalidentitydocument',
            name='entries',
            field=models.CharField(blank=True, choices=[('one', 'one'), ('two', 'two'), ('many', 'many')], max_length=4, verbose_name='entries'),
        ),
        migrations.AddField(
            model_name='historicalidentitydocument',
            name='issued_on',
            field=models.DateField(blank=True, null=True, verbose_name='issued'),
        ),
        migrations.AddField(
            model_name='historicalidentitydocument',
            name='issued_year',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='year of issue (Solar Hijri)'),
        ),
        migrations.AddField(
            model_name='historicalidentitydocument',
            name='page',
            field=models.CharField(blank=True, max_length=20, verbose_name='page (safha)'),
        ),
        migrations.AddField(
            model_name='historicalidentitydocument',
            name='place',
            field=models.CharField(blank=True, max_length=100, verbose_name='place of issue'),
        ),
        migrations.AddField(
            model_name='historicalidentitydocument',
            name='shared_because',
            field=models.CharField(blank=True, max_length=200, verbose_name='why two people carry the number'),
        ),
        migrations.AddField(
            model_name='historicalidentitydocument',
            name='shared_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='allowed by'),
        ),
        migrations.AddField(
            model_name='historicalidentitydocument',
            name='volume',
            field=models.CharField(blank=True, max_length=20, verbose_name='volume (jild)'),
        ),
        migrations.AddField(
            model_name='identitydocument',
            name='entries',
            field=models.CharField(blank=True, choices=[('one', 'one'), ('two', 'two'), ('many', 'many')], max_length=4, verbose_name='entries'),
        ),
        migrations.AddField(
            model_name='identitydocument',
            name='issued_on',
            field=models.DateField(blank=True, null=True, verbose_name='issued'),
        ),
        migrations.AddField(
            model_name='identitydocument',
            name='issued_year',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='year of issue (Solar Hijri)'),
        ),
        migrations.AddField(
            model_name='identitydocument',
            name='page',
            field=models.CharField(blank=True, max_length=20, verbose_name='page (safha)'),
        ),
        migrations.AddField(
            model_name='identitydocument',
            name='place',
            field=models.CharField(blank=True, max_length=100, verbose_name='place of issue'),
        ),
        migrations.AddField(
            model_name='identitydocument',
            name='shared_because',
            field=models.CharField(blank=True, max_length=200, verbose_name='why two people carry the number'),
        ),
        migrations.AddField(
            model_name='identitydocument',
            name='shared_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name='allowed by'),
        ),
        migrations.AddField(
            model_name='identitydocument',
            name='volume',
            field=models.CharField(blank=True, max_length=20, verbose_name='volume (jild)'),
        ),
        migrations.AlterField(
            model_name='historicalidentitydocument',
            name='kind',
            field=models.CharField(choices=[('passport', 'passport'), ('e_tazkira', 'e-tazkira'), ('tazkira', 'paper tazkira'), ('unhcr', 'UNHCR individual number'), ('por_card', 'PoR card'), ('acc', 'Afghan Citizen Card'), ('ime', 'IME number'), ('umi', 'UMI (Canada)'), ('uci', 'UCI (Canada)'), ('hap', 'HAP ID'), ('a_number', 'A-number'), ('gwf', 'GWF number'), ('unhcr_case', 'UNHCR case number'), ('vrf', 'voluntary repatriation form'), ('iv_case', 'IV case number'), ('iom_case', 'IOM case number'), ('visa', 'visa'), ('other', 'other')], max_length=12, verbose_name='document'),
        ),
        migrations.AlterField(
            model_name='identitydocument',
            name='kind',
            field=models.CharField(choices=[('passport', 'passport'), ('e_tazkira', 'e-tazkira'), ('tazkira', 'paper tazkira'), ('unhcr', 'UNHCR individual number'), ('por_card', 'PoR card'), ('acc', 'Afghan Citizen Card'), ('ime', 'IME number'), ('umi', 'UMI (Canada)'), ('uci', 'UCI (Canada)'), ('hap', 'HAP ID'), ('a_number', 'A-number'), ('gwf', 'GWF number'), ('unhcr_case', 'UNHCR case number'), ('vrf', 'voluntary repatriation form'), ('iv_case', 'IV case number'), ('iom_case', 'IOM case number'), ('visa', 'visa'), ('other', 'other')], max_length=12, verbose_name='document'),
        ),
        migrations.RunPython(as_compared, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name='identitydocument',
            index=models.Index(django.db.models.functions.text.Upper('number'), name='document_by_number'),
        ),
        migrations.AddConstraint(
            model_name='identitydocument',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Upper('number'), models.F('kind'), models.F('issuer'), condition=models.Q(('kind', 'passport')), name='one_owner_per_document'),
        ),
        migrations.AddConstraint(
            model_name='identitydocument',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Upper('number'), models.F('kind'), condition=models.Q(('kind__in', ('e_tazkira', 'unhcr', 'por_card', 'acc', 'ime', 'umi', 'uci', 'hap', 'a_number', 'gwf')), ('shared_because', '')), name='one_owner_per_number'),
        ),
        migrations.AddConstraint(
            model_name='identitydocument',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Upper('number'), models.F('volume'), models.F('page'), condition=models.Q(('kind', 'tazkira'), ('shared_because', ''), models.Q(('volume', ''), _negated=True), models.Q(('page', ''), _negated=True)), name='one_owner_per_tazkira'),
        ),
    ]
