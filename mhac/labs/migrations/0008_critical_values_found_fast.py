from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labs", "0007_ranges_of_pregnancy")]

    operations = [
        migrations.AddIndex(
            model_name="labresult",
            index=models.Index(condition=models.Q(("critical", True)), fields=["filed_at"], name="critical_by_arrival"),
        ),
        migrations.AddConstraint(
            model_name="criticalcall",
            constraint=models.CheckConstraint(
                condition=models.Q(reached=False)
                | ~models.Q(told="")
                & ~models.Q(read_back_name="")
                & ~models.Q(read_back_number="")
                & ~models.Q(read_back_value=""),
                name="who_was_reached_read_it_back",
            ),
        ),
    ]
