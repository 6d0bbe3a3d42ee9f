from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clinics', '0001_initial'),
        ('patients', '0005_search_keys'),
        ('screenings', '0005_whether_pregnant'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('phone', ''), _negated=True), fields=['phone'], name='case_phone'),
        ),
        migrations.AddIndex(
            model_name='screening',
            index=models.Index(condition=models.Q(('reference', ''), _negated=True), fields=['reference'], name='screening_reference'),
        ),
    ]
