"""A part of the shipped content that stands by itself: small enough to be copied, spoiled and taken in often."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[1] / "content"
_NAMED = (
    "documents/daily-audit/*",
    "documents/daily-audit@JP/*",
    "documents/exposure-and-wellbeing/*",
    "documents/impersonation/*",
    "banks/daily-audit.*.md",
    "banks/impersonation.*.md",
    "quizzes/daily-audit.toml",
    "quizzes/impersonation.toml",
    *(f"plans/account-safety-{name}.toml" for name in ("calibration", "practice", "start")),
    "templates/*/1.toml",
    *(f"credentials/account-safety-{name}.toml" for name in ("calibration", "own-queue", "reviewer")),
    "obligations/account-safety-basics-renewal.toml",
    *(f"tasks/{name}.toml" for name in ("daily-audit-feedback", "monthly-questions-review")),
    "calendars/JP.toml",
    "glossary.toml",
)
_COPIED = sorted(path.relative_to(SHIPPED).as_posix() for pattern in _NAMED for path in SHIPPED.glob(pattern))
# What the sample links to or asks for, in as few words as a document and a quiz need.
_FRONT = 'version: "1.0"\nchange_class: material\neffective_at: 2026-04-01T00:00+09:00\nzone: Asia/Tokyo\n'
_LINKED = {
    "documents/child-safety/document.toml": 'kind = "policy"\nowner = "mori.akiko@hibiki.example"\n',
    "documents/child-safety/en.md": (
        f"---\ntitle: Child safety\n{_FRONT}---\n## Stop {{#stop-and-report}}\n\nStop looking.\n"
    ),
    "documents/child-safety/ja.md": (
        '---\ntitle: 児童の安全\nversion: "1.0"\n---\n## やめる {#stop-and-report}\n\n見るのをやめる。\n'
    ),
    "banks/child-safety.en.md": (
        '---\ntitle: Child safety\ndocument: child-safety\nversion: "1.0"\n---\n\n## Looking on {#chi-001}\n'
        "{type=true_false clause=stop-and-report}\n\nYou go on looking.\n\n- [ ] True\n- [x] False\n"
    ),
    "banks/child-safety.ja.md": (
        '---\ntitle: 児童の安全\nversion: "1.0"\n---\n\n## 見続ける {#chi-001}\n\n見続けます。\n\n- 正しい\n- 誤り\n'
    ),
    "quizzes/child-safety.toml": (
        'version = "1.0"\nowner = "mori.akiko@hibiki.example"\ntime_limit_minutes = 15\nattempts = 3\n'
        'pass_mark = "80%"\nrelease = "at_once"\nshow = ["score"]\n\n[title]\nen = "Child safety"\n'
        'ja = "児童の安全"\n\n[[draw]]\nbank = "child-safety"\ncount = 1\n'
    ),
    "documents/queue-work/document.toml": 'kind = "sop"\nowner = "mori.akiko@hibiki.example"\n',
    "documents/queue-work/en.md": (
        f"---\ntitle: Queue work\n{_FRONT}---\n## Evidence {{#evidence}}\n\nKeep it.\n"
        "\n## Priorities {#priorities}\n\nP1 first.\n"
    ),
    "documents/queue-work/ja.md": (
        '---\ntitle: 審査キューの業務\nversion: "1.0"\n---\n## 証拠 {#evidence}\n\n残します。\n'
        "\n## 優先度 {#priorities}\n\nP1が先です。\n"
    ),
}
TEXTS = {path: (SHIPPED / path).read_text(encoding="utf-8") for path in _COPIED} | _LINKED
PATHS = sorted(TEXTS)


def copy_to(folder: Path, paths: list[str] = PATHS) -> Path:
    """Write the sample, or some of its files, into a folder that need not be there, and return that."""
    for path in paths:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(TEXTS[path].encode("utf-8"))
    return folder
