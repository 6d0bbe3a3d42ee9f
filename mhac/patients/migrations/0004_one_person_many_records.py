import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.comparison
import mhac.clinics.numbers
import simple_history.models
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clinics', '0001_initial'),
        ('patients', '0003_typed_documents'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalIdentityIncident',
            fields=[
                ('id', models.UUIDField(db_index=True, default=mhac.clinics.numbers.uuid7, editable=False)),
                ('station', models.CharField(choices=[('reception', 'reception'), ('nurse', 'nurse'), ('examination', 'examination'), ('radiology', 'radiology'), ('collection', 'specimen collection')], max_length=11, verbose_name='station')),
                ('note', models.CharField(max_length=200, verbose_name='what does not match')),
                ('state', models.CharField(choices=[('open', 'open'), ('proposed', 'waits for a second manager'), ('resolved', 'resolved')], default='open', max_length=8, verbose_name='state')),
                ('opened_at', models.DateTimeField(blank=True, editable=False)),
                ('outcome', models.CharField(blank=True, choices=[('same', 'It was the right person after all'), ('another', 'Another person came in her place'), ('mistake', 'Papers or records were mixed up, and are put right')], max_length=7, verbose_name='what it was')),
                ('because', models.CharField(blank=True, max_length=300, verbose_name='why')),
                ('proposed_at', models.DateTimeField(null=True)),
                ('resolved_at', models.DateTimeField(null=True)),
                ('history_id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical identity incident',
                'verbose_name_plural': 'historical identity incidents',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalMerge',
            fields=[
                ('id', models.UUIDField(db_index=True, default=mhac.clinics.numbers.uuid7, editable=False)),
                ('state', models.CharField(choices=[('proposed', 'proposed'), ('standing', 'one person'), ('refused', 'refused'), ('parting', 'to be parted'), ('parted', 'parted again')], default='proposed', max_length=8, verbose_name='state')),
                ('because', models.CharField(max_length=300, verbose_name='why they are one person')),
                ('proposed_at', models.DateTimeField(blank=True, editable=False)),
                ('decided_at', models.DateTimeField(null=True)),
                ('answer', models.CharField(blank=True, max_length=300, verbose_name='why not')),
                ('parting_because', models.CharField(blank=True, max_length=300, verbose_name='why they are two people')),
                ('parted_at', models.DateTimeField(null=True)),
                ('history_id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical merge of two records',
                'verbose_name_plural': 'historical merge of two recordss',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalTwoPeople',
            fields=[
                ('id', models.UUIDField(db_index=True, default=mhac.clinics.numbers.uuid7, editable=False)),
                ('because', models.CharField(max_length=300, verbose_name='why they are two people')),
                ('at', models.DateTimeField(blank=True, editable=False)),
                ('history_id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical two different people',
                'verbose_name_plural': 'historical two different peoples',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='IdentityIncident',
            fields=[
                ('id', models.UUIDField(default=mhac.clinics.numbers.uuid7, editable=False, primary_key=True, serialize=False)),
                ('station', models.CharField(choices=[('reception', 'reception'), ('nurse', 'nurse'), ('examination', 'examination'), ('radiology', 'radiology'), ('collection', 'specimen collection')], max_length=11, verbose_name='station')),
                ('note', models.CharField(max_length=200, verbose_name='what does not match')),
                ('state', models.CharField(choices=[('open', 'open'), ('proposed', 'waits for a second manager'), ('resolved', 'resolved')], default='open', max_length=8, verbose_name='state')),
                ('opened_at', models.DateTimeField(auto_now_add=True)),
                ('outcome', models.CharField(blank=True, choices=[('same', 'It was the right person after all'), ('another', 'Another person came in her place'), ('mistake', 'Papers or records were mixed up, and are put right')], max_length=7, verbose_name='what it was')),
                ('because', models.CharField(blank=True, max_length=300, verbose_name='why')),
                ('proposed_at', models.DateTimeField(null=True)),
                ('resolved_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'identity incident',
                'ordering': ['-id'],
                'permissions': [('resolve_identityincident', 'May resolve an identity incident as the second person')],
            },
        ),
        migrations.CreateModel(
            name='Merge',
            fields=[
                ('id', models.UUIDField(default=mhac.clinics.numbers.uuid7, editable=False, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('proposed', 'proposed'), ('standing', 'one person'), ('refused', 'refused'), ('parting', 'to be parted'), ('parted', 'parted again')], default='proposed', max_length=8, verbose_name='state')),
                ('because', models.CharField(max_length=300, verbose_name='why they are one person')),
                ('proposed_at', models.DateTimeField(auto_now_add=True)),
                ('decided_at', models.DateTimeField(null=True)),
                ('answer', models.CharField(blank=True, max_length=300, verbose_name='why not')),
                ('parting_because', models.CharField(blank=True, max_length=300, verbose_name='why they are two people')),
                ('parted_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'merge of two records',
                'ordering': ['-id'],
                'permissions': [('decide_merge', "May decide as the second person whether two records are one person's")],
            },
        ),
        migrations.CreateModel(
            name='TwoPeople',
            fields=[
                ('id', models.UUIDField(default=mhac.clinics.numbers.uuid7, editable=False, primary_key=True, serialize=False)),
                ('because', models.CharField(max_length=300, verbose_name='why they are two people')),
                ('at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'verbose_name': 'two different people',
                'ordering': ['-id'],
            },
        ),
        migrations.RemoveIndex(
            model_name='patient',
            name='patient_search',
        ),
        migrations.RemoveField(
            model_name='patient',
            name='search_key',
        ),
        migrations.AddField(
            model_name='historicalpatient',
            name='canonical',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='patients.patient', verbose_name='same person as'),
        ),
        migrations.AddField(
            model_name='historicalpatient',
            name='provisional_because',
            field=models.CharField(blank=True, max_length=200, verbose_name='provisional identity, because'),
        ),
        migrations.AddField(
            model_name='patient',
            name='canonical',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='joined', to='patients.patient', verbose_name='same person as'),
        ),
        migrations.AddField(
            model_name='patient',
            name='person',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce('canonical', 'id'), output_field=models.UUIDField()),
        ),
        migrations.AddField(
            model_name='patient',
            name='found_as',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, editable=False, size=None),
        ),
        migrations.AddField(
            model_name='patient',
            name='provisional_because',
            field=models.CharField(blank=True, max_length=200, verbose_name='provisional identity, because'),
        ),
        migrations.AddIndex(
            model_name='patient',
            index=django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=['found_as'], name='patient_found_as'),
        ),
        migrations.AddIndex(
            model_name='patient',
            index=models.Index(fields=['person'], name='patients_pa_person_75b71a_idx'),
        ),
        migrations.AddIndex(
            model_name='patient',
            index=models.Index(condition=models.Q(('phone', ''), _negated=True), fields=['phone'], name='patient_phone'),
        ),
        migrations.AddIndex(
            model_name='patient',
            index=models.Index(fields=['born_earliest', 'born_latest'], name='patient_born'),
        ),
        migrations.AddConstraint(
            model_name='patient',
            constraint=models.CheckConstraint(condition=models.Q(('canonical__isnull', True), models.Q(('canonical', models.F('id')), _negated=True), _connector='OR'), name='nobody_is_joined_to_herself'),
        ),
        migrations.AddConstraint(
            model_name='patient',
            constraint=models.UniqueConstraint(fields=('id', 'person'), name='record_and_person'),
        ),
        migrations.AddField(
            model_name='historicalidentityincident',
            name='clinic',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='clinics.clinic'),
        ),
        migrations.AddField(
            model_name='historicalidentityincident',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalidentityincident',
            name='opened_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalidentityincident',
            name='patient',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='historicalidentityincident',
            name='proposed_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalidentityincident',
            name='resolved_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalmerge',
            name='clinic',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='clinics.clinic'),
        ),
        migrations.AddField(
            model_name='historicalmerge',
            name='decided_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalmerge',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalmerge',
            name='kept',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='patients.patient', verbose_name='stands for both'),
        ),
        migrations.AddField(
            model_name='historicalmerge',
            name='other',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='patients.patient', verbose_name='joined to it'),
        ),
        migrations.AddField(
            model_name='historicalmerge',
            name='parted_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalmerge',
            name='parting_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalmerge',
            name='proposed_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicaltwopeople',
            name='by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicaltwopeople',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicaltwopeople',
            name='one',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='historicaltwopeople',
            name='other',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='identityincident',
            name='clinic',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='identity_incidents', to='clinics.clinic'),
        ),
        migrations.AddField(
            model_name='identityincident',
            name='opened_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='incidents_opened', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='identityincident',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='incidents', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='identityincident',
            name='proposed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='incidents_proposed', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='identityincident',
            name='resolved_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='incidents_resolved', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='merge',
            name='clinic',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges', to='clinics.clinic'),
        ),
        migrations.AddField(
            model_name='merge',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merges_decided', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='merge',
            name='kept',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges_kept', to='patients.patient', verbose_name='stands for both'),
        ),
        migrations.AddField(
            model_name='merge',
            name='other',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges_joined', to='patients.patient', verbose_name='joined to it'),
        ),
        migrations.AddField(
            model_name='merge',
            name='parted_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='partings_decided', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='merge',
            name='parting_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='partings_proposed', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='merge',
            name='proposed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges_proposed', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='twopeople',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='twopeople',
            name='one',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='twopeople',
            name='other',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddIndex(
            model_name='identityincident',
            index=models.Index(fields=['clinic', 'state', '-id'], name='patients_id_clinic__a81f39_idx'),
        ),
        migrations.AddConstraint(
            model_name='identityincident',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'resolved'), _negated=True), fields=('patient',), name='one_open_incident_per_record'),
        ),
        migrations.AddConstraint(
            model_name='identityincident',
            constraint=models.CheckConstraint(condition=models.Q(('resolved_by__isnull', True), models.Q(('resolved_by', models.F('proposed_by')), _negated=True), _connector='OR'), name='incident_resolved_by_a_second_person'),
        ),
        migrations.AddConstraint(
            model_name='identityincident',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'resolved'), _negated=True), models.Q(('proposed_by__isnull', False), ('resolved_by__isnull', False), models.Q(('because', ''), _negated=True)), _connector='OR'), name='incident_resolved_with_a_reason'),
        ),
        migrations.AddIndex(
            model_name='merge',
            index=models.Index(fields=['clinic', 'state', '-id'], name='patients_me_clinic__433b33_idx'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(('kept', models.F('other')), _negated=True), name='merge_of_two_records'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(('because', ''), _negated=True), name='merge_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(('decided_by__isnull', True), models.Q(('decided_by', models.F('proposed_by')), _negated=True), _connector='OR'), name='merge_decided_by_a_second_person'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(('parted_by__isnull', True), models.Q(('parted_by', models.F('parting_by')), _negated=True), _connector='OR'), name='parting_decided_by_a_second_person'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.UniqueConstraint(django.db.models.functions.comparison.Least('kept', 'other'), django.db.models.functions.comparison.Greatest('kept', 'other'), condition=models.Q(('state__in', ['proposed', 'standing', 'parting'])), name='one_merge_of_two_records'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['standing', 'parting'])), fields=('other',), name='joined_once'),
        ),
        migrations.AddConstraint(
            model_name='twopeople',
            constraint=models.CheckConstraint(condition=models.Q(('one__lt', models.F('other'))), name='two_people_in_order'),
        ),
        migrations.AddConstraint(
            model_name='twopeople',
            constraint=models.UniqueConstraint(fields=('one', 'other'), name='two_people_once'),
        ),
        migrations.RunSQL(
            # Who stands for others stands for herself: no chain and no circle, whoever writes.
            """
            ALTER TABLE patients_patient ADD CONSTRAINT stands_for_herself FOREIGN KEY (canonical_id, canonical_id)
            REFERENCES patients_patient (id, person) DEFERRABLE INITIALLY DEFERRED
            """,
            'ALTER TABLE patients_patient DROP CONSTRAINT stands_for_herself',
        ),
    ]
