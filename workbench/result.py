"""What a check came to: data first, and how it looks in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bootstrap._util.data import fields_of
from bootstrap.card import Card, Shown

if TYPE_CHECKING:
    from bootstrap.card import Verdict
    from workbench.figure import Picture

_SHOWN = 6


@dataclass(frozen=True, kw_only=True, repr=False)
class CheckResult(Shown):
    """The outcome of one check."""

    name: str
    """What was checked: ``shapes``, ``gradients`` ..."""
    title: str
    """The outcome in a sentence."""
    verdict: Verdict = "ok"
    facts: tuple[tuple[str, str], ...] = ()
    """The figures that matter, for a person: label and value."""
    problems: tuple[str, ...] = ()
    """What speaks against the model, one line each; empty where nothing does."""
    data: tuple[dict[str, Any], ...] = ()
    """Every measurement, JSON-ready: one row for one shape, layer, seed or length."""
    picture: Picture | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against the model."""
        return self.verdict in ("ok", "info")

    @property
    def card(self) -> Card:
        """The finding in a few lines."""
        more = [f"and {len(self.problems) - _SHOWN} more, in `.problems`"] if len(self.problems) > _SHOWN else []
        return Card(
            title=self.title,
            verdict=self.verdict,
            word=self.name,
            rows=self.facts,
            details=(*self.problems[:_SHOWN], *more),
        )

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON-ready data."""
        return {**fields_of(self, "picture"), "facts": dict(self.facts)}

    def _repr_html_(self) -> str:
        return self.card._repr_html_() + (self.picture._repr_html_() if self.picture else "")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}


@dataclass(frozen=True, repr=False)
class Summary(Shown):
    """Several findings in one table."""

    findings: tuple[CheckResult, ...]

    @property
    def ok(self) -> bool:
        """Whether all of them are."""
        return all(finding.ok for finding in self.findings)

    @property
    def card(self) -> Card:
        """All of them in a few lines: the worst verdict decides."""
        verdicts = {finding.verdict for finding in self.findings}
        worst: Verdict = next((v for v in ("broken", "doubtful") if v in verdicts), "ok")
        bad = [finding.name for finding in self.findings if not finding.ok]
        title = f"{len(self.findings)} checks, all passed" if not bad else f"look at: {', '.join(bad)}"
        rows = tuple((finding.name, finding.title) for finding in self.findings)
        return Card(title=title, verdict=worst, word={"ok": "passed"}.get(worst, worst), rows=rows)


def summary(*findings: CheckResult) -> Summary:
    """The findings in one table, worst verdict first."""
    return Summary(findings)
