import type {
  Finding,
  Incident,
  Observer,
  Outcome,
  OutcomeDetail,
  OutcomeEvent,
} from "@onlyonce/core";

/** Keeps everything that was reported, in order, for a test to look at. */
export class RecordingObserver implements Observer {
  readonly outcomes: OutcomeEvent[] = [];
  readonly incidents: Incident[] = [];
  readonly findings: Finding[] = [];

  outcome(event: OutcomeEvent): void {
    this.outcomes.push(event);
  }

  incident(incident: Incident): void {
    this.incidents.push(incident);
  }

  finding(finding: Finding): void {
    this.findings.push(finding);
  }

  /** How many deliveries ended like this, whatever the detail unless one is given. */
  count(outcome: Outcome, detail?: OutcomeDetail): number {
    return this.outcomes.filter(
      (event) => event.outcome === outcome && (detail === undefined || event.detail === detail),
    ).length;
  }

  /** The outcomes in order, as `processed` or `processed:late`. */
  names(): string[] {
    return this.outcomes.map(({ outcome, detail }) =>
      detail === undefined ? outcome : `${outcome}:${detail}`,
    );
  }

  clear(): void {
    this.outcomes.length = 0;
    this.incidents.length = 0;
    this.findings.length = 0;
  }
}
