from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0018_span_digest_default'),
    ]

    operations = [
        migrations.AddField(
            model_name='pendingtrace',
            name='tried_at',
            field=models.DateTimeField(null=True),
        ),
    ]
