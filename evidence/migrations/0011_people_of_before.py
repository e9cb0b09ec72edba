import hashlib
import secrets
import uuid

from django.conf import settings
from django.db import migrations
from django.utils import timezone

from evidence.digests import canonical_json
from evidence.models.person import new_pseudonym

ACTOR = "system:directory"


def map_names(apps, schema_editor):
    """Give each account a pseudonym, and keep what rows called it so far.

    Each mapping is an event, as `evidence.services.audit` writes them. The name is in its payload: the log holds a
    salted commitment to it, and whoever erases a name erases the payload with it.
    """
    label, _, name = settings.AUTH_USER_MODEL.partition(".")
    Pseudonym = apps.get_model("evidence", "Pseudonym")
    AuditEvent, AuditPayload = (apps.get_model("evidence", noun) for noun in ("AuditEvent", "AuditPayload"))
    for user in apps.get_model(label, name).objects.order_by("pk"):
        formerly = f"user:{user.username}"
        pseudonym = Pseudonym.objects.create(actor=new_pseudonym(), user_id=user.pk, formerly=formerly)
        salt, payload = secrets.token_bytes(32), canonical_json({"formerly": formerly})
        event = AuditEvent.objects.create(**event_of(pseudonym.actor, hashlib.sha256(b"\x00" + salt + payload).hexdigest()))
        AuditPayload.objects.create(event=event, salt=salt, payload=payload)


def event_of(pseudonym, commitment):
    """Return the columns of the event of one mapping."""
    number, now, verb = uuid.uuid4(), timezone.now(), "person.identified"
    entry = {
        "event": str(number),
        "system": None,
        "actor": ACTOR,
        "verb": verb,
        "object": {"type": "evidence.Pseudonym", "id": pseudonym, "digest": ""},
        "payload_commitment": commitment,
        "occurred_at": now.isoformat(),
    }
    return {
        "event_uuid": number,
        "actor": ACTOR,
        "verb": verb,
        "object_type": "evidence.Pseudonym",
        "object_id": pseudonym,
        "payload_commitment": commitment,
        "entry": canonical_json(entry),
        "occurred_at": now,
    }


class Migration(migrations.Migration):
    """Whom each name meant that rows from before call people by."""

    dependencies = [("evidence", "0010_pseudonyms")]
    operations = [migrations.RunPython(map_names, migrations.RunPython.noop)]
