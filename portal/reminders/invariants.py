"""What must always be true of reminders."""

from __future__ import annotations

from portal.core import clock, jobs
from portal.reminders import queries
from portal.reminders.rules import DAY_BEGINS, DAY_ENDS
from portal.reminders.service import digests


def digests_were_owed_in_business_hours() -> list[str]:
    """Return a sentence for each digest that was owed at night, on another day than its own, or without a mail."""
    breaches = []
    for found in queries.stretches_of_digests():
        owed = jobs.find_jobs([f"mail:{digests.key_of(each.person, each.on)}" for each in found])
        for each in found:
            name = f"digest of {each.person.code} on {each.on}"
            local = each.at.astimezone(clock.zone_info(each.zone))
            if local.date() != each.on:
                breaches.append(f"{name} was owed on {local.date()}")
            elif not DAY_BEGINS <= local.hour < DAY_ENDS:
                breaches.append(f"{name} was owed at {local:%H:%M}, outside of business hours")
            if f"mail:{digests.key_of(each.person, each.on)}" not in owed:
                breaches.append(f"{name} has no mail")
    return breaches


INVARIANTS = {"digests come in business hours, each with its mail": digests_were_owed_in_business_hours}
