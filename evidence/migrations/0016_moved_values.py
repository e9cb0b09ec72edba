import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0015_erasures_scope'),
    ]

    operations = [
        migrations.AddField(
            model_name='ingestbatch',
            name='moved',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), null=True, size=None),
        ),
    ]
