import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

import evidence.models.base
import evidence.models.person

# A prefix names one token of one person for ever: rows and log entries call the token by it.
KEEP_TOKENS = """
CREATE FUNCTION tracebinder_keep_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (OLD.id, OLD.prefix, OLD.owner_id) IS DISTINCT FROM (NEW.id, NEW.prefix, NEW.owner_id) THEN
        RAISE EXCEPTION 'a token stays on record with its prefix and owner: % refused. Revoke it instead.', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tracebinder_keep_token BEFORE UPDATE OR DELETE ON evidence_accesstoken
    FOR EACH ROW EXECUTE FUNCTION tracebinder_keep_token();
"""
UNDO = """
DROP TRIGGER tracebinder_keep_token ON evidence_accesstoken;
DROP FUNCTION tracebinder_keep_token();
"""


class Migration(migrations.Migration):
    """What the record calls people, apart from what their accounts are called; tokens keep their prefix and owner."""

    dependencies = [
        ("evidence", "0009_span_identity"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Pseudonym",
            fields=[
                ("xact_id", models.BigIntegerField(null=True, editable=False, db_default=evidence.models.base.CurrentXactId())),
                ("actor", models.CharField(default=evidence.models.person.new_pseudonym, max_length=27, primary_key=True, serialize=False)),
                ("formerly", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("user", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="pseudonym", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(condition=~Q(formerly=""), fields=["formerly"], name="evidence_pseudonym_formerly_once"),
                    models.CheckConstraint(condition=Q(actor__regex="^person:[a-z2-7]{20}$"), name="evidence_pseudonym_form"),
                ],
            },
        ),
        migrations.RunSQL(KEEP_TOKENS, UNDO),
    ]
