import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_initial"), ("requirements", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="acceptancecriterion",
            name="artefact_version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="criteria", to="evidence.artefactversion"
            ),
        ),
    ]
