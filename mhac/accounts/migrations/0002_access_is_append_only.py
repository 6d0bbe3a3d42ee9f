from django.db import migrations


class Migration(migrations.Migration):
    """The access log refuses change and removal in the database itself, whoever asks."""

    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            CREATE FUNCTION access_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'The access log is append-only: rows are neither changed nor removed.';
            END $$;
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON accounts_access
                FOR EACH ROW EXECUTE FUNCTION access_is_append_only();
            """,
            "DROP TRIGGER append_only ON accounts_access; DROP FUNCTION access_is_append_only();",
        )
    ]
