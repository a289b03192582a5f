"""How the journal's page reads what was changed, sent and exported in reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Kind, Thing, Vocabulary
from portal.reports.queries import files, schedules
from portal.reports.rules import FileFormat, RecipientEnd, ScheduleEnd
from portal.reports.service.files import filename_of

WEEKDAYS = (
    _l("Monday"),
    _l("Tuesday"),
    _l("Wednesday"),
    _l("Thursday"),
    _l("Friday"),
    _l("Saturday"),
    _l("Sunday"),
)


def _schedules(codes: Collection[str]) -> Mapping[str, Thing]:
    return {each.code: Thing(str(each.cohort.name)) for each in schedules.list_schedules_of(codes)}


def _files(codes: Collection[str]) -> Mapping[str, Thing]:
    return {each.code: Thing(filename_of(each)) for each in files.list_files_of(codes)}


VOCABULARY = Vocabulary(
    actions={
        "reports.at_risk_rule_changed": _l("At-risk rule changed"),
        "reports.cohort_rule_ended": _l("At-risk rule of the organisation holds for a cohort again"),
        "reports.cohort_rule_set": _l("At-risk rule of a cohort set"),
        "reports.evidence_made": _l("Training evidence exported"),
        "reports.recipient_left": _l("Weekly report no longer sent to somebody"),
        "reports.schedule_changed": _l("Weekly report changed"),
        "reports.schedule_ended": _l("Weekly report ended"),
        "reports.schedule_set_up": _l("Weekly report set up"),
    },
    kinds={
        "at_risk_rule": Kind(_l("At-risk rule")),
        "report_file": Kind(_l("Report as a file"), _files),
        "report_schedule": Kind(_l("Weekly report"), _schedules),
    },
    facts={
        "overdue_steps": Fact(_l("Overdue required steps")),
        "failed_tries": Fact(_l("Failed tries at one check")),
        "idle_days": Fact(_l("Working days without activity")),
        "first_on": Fact(_l("First day")),
        "last_on": Fact(_l("Last day")),
        "sha256": Fact(_l("SHA-256 of the file")),
        "encoding": Fact(_l("Encoding"), words={"utf-8-sig": _l("UTF-8"), "cp932": _l("Shift_JIS (CP932)")}),
        "weekday": Fact(_l("Weekday"), words={str(number): word for number, word in enumerate(WEEKDAYS)}),
        "hour": Fact(_l("Hour")),
        "attached": Fact(
            _l("What goes along"),
            words={FileFormat.PDF.value: _l("The report as a PDF"), FileFormat.XLSX.value: _l("The tables as XLSX")},
        ),
        "reports.schedule_changed:language": Fact(
            _l("Language of the files"), words={"account": _l("that of each account"), "ja": "日本語", "en": "English"}
        ),
        "recipients": Fact(_l("Recipients"), refers_to="person"),
        "recipient": Fact(_l("Recipient"), refers_to="person"),
        "reports.schedule_ended:why": Fact(
            _l("Reason"),
            words={
                ScheduleEnd.BY_HAND.value: _l("ended by hand"),
                ScheduleEnd.FINISHED.value: _l("the cohort is through, or was withdrawn"),
                ScheduleEnd.NOBODY_LEFT.value: _l("nobody is left to send it to"),
            },
        ),
        "reports.recipient_left:why": Fact(
            _l("Reason"),
            words={
                RecipientEnd.UNSUBSCRIBED.value: _l("unsubscribed"),
                RecipientEnd.REMOVED.value: _l("taken off"),
                RecipientEnd.NOT_ALLOWED.value: _l("may no longer see the cohort"),
            },
        ),
    },
)
