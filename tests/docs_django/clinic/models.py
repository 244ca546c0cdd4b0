"""The host's own row about a referral."""

from django.db import models


class Visit(models.Model):
    referral = models.CharField(max_length=120)
    state = models.CharField(max_length=30)
    at = models.DateTimeField(null=True)

    class Meta:
        app_label = "clinic"

    def __str__(self) -> str:
        return self.referral
