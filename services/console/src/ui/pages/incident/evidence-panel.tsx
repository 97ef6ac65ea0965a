import { getRouteApi } from "@tanstack/react-router";
import type { Evidence, IncidentView } from "@tocsin/contracts";
import { useMemo } from "react";
import { Chart } from "../../parts/lazy.tsx";
import { Output } from "../../parts/output.tsx";
import { Panel } from "../../parts/panel.tsx";
import { type Marker, thresholdInWords } from "../../view/chart.ts";
import { figure } from "../../view/figures.ts";
import { safeHref } from "../../view/links.ts";

const route = getRouteApi("/incidents/$id");

/** The evidence of the first cause, or all that there is; the one that the address names is opened and scrolled to. */
export function EvidencePanel({ incident }: { incident: IncidentView }) {
  const { evidence: chosen } = route.useSearch();
  const [cause] = incident.causes;
  const first = cause?.evidence ?? [];
  const named = new Set(first.map(({ id }) => id));
  const others = (incident.evidence ?? []).filter(({ id }) => !named.has(id));
  const markers = useMemo(() => markersOf(incident), [incident]);
  if (first.length + others.length === 0) return null;
  const item = (evidence: Evidence) => (
    <EvidenceItem key={evidence.id} evidence={evidence} markers={markers} isChosen={evidence.id === chosen} />
  );
  return (
    <Panel title="Evidence">
      <ul className="evidence-list">{first.slice(0, 8).map(item)}</ul>
      {others.length + Math.max(0, first.length - 8) > 0 && (
        <details open={chosen !== undefined && !named.has(chosen)}>
          <summary>{others.length + Math.max(0, first.length - 8)} more pieces</summary>
          <ul className="evidence-list">{[...first.slice(8), ...others].slice(0, 60).map(item)}</ul>
        </details>
      )}
    </Panel>
  );
}

/** What was done to it, for every chart: when it fired, when something acted. */
function markersOf(incident: IncidentView): readonly Marker[] {
  const seconds = (at: string) => Date.parse(at) / 1000;
  return [
    { at: seconds(incident.startedAt), label: "alert", tone: "bad" },
    ...incident.runs.flatMap((run) =>
      run.steps
        .filter((step) => step.startedAt !== undefined && step.verb !== "target.logs" && step.verb !== "target.stats")
        .map((step): Marker => ({ at: seconds(step.startedAt as string), label: step.verb.replace("target.", ""), tone: "busy" })),
    ),
  ];
}

function EvidenceItem({ evidence, markers, isChosen }: { evidence: Evidence; markers: readonly Marker[]; isChosen: boolean }) {
  const { chart } = evidence;
  const lines = useMemo(() => (chart === undefined ? [] : [{ name: "Value", samples: chart.samples }]), [chart]);
  const marks = useMemo(
    () => [
      ...(chart?.onsetAt === undefined ? [] : [{ at: chart.onsetAt, label: "onset", tone: "bad" as const }]),
      ...markers.filter(({ label }) => label !== "alert" || chart?.onsetAt === undefined),
    ],
    [chart, markers],
  );
  const href = safeHref(evidence.link);
  return (
    <li
      id={`evidence-${evidence.id}`}
      className="evidence"
      data-chosen={isChosen}
      ref={(element) => {
        if (isChosen) element?.scrollIntoView({ block: "center" });
      }}
    >
      <p>
        <span className="evidence-kind">{evidence.kind}</span> {evidence.text}
      </p>
      {chart !== undefined && lines[0] !== undefined && chart.samples.length > 1 && (
        <>
          <Chart
            label={evidence.text}
            lines={lines}
            unit={chart.unit}
            baseline={chart.baseline}
            threshold={chart.threshold}
            markers={marks}
            height={120}
            sync="evidence"
          />
          {(chart.baseline !== undefined || chart.threshold !== undefined) && <p className="quiet">{levelsInWords(chart)}</p>}
        </>
      )}
      {(evidence.query !== undefined || href !== undefined) && (
        <details>
          <summary>How to look it up</summary>
          {evidence.query !== undefined && <Output>{evidence.query}</Output>}
          {href !== undefined && (
            <a href={href} rel="noopener noreferrer" target="_blank">
              Open where it was found
            </a>
          )}
        </details>
      )}
    </li>
  );
}

/** The lines across the chart, for whom the chart is too small: how it was before, and what the rule draws. */
function levelsInWords({ baseline, threshold, unit, samples }: NonNullable<Evidence["chart"]>): string {
  const last = samples.findLast(([, value]) => value !== null)?.[1];
  return [
    ...(baseline === undefined ? [] : [`before ${figure(baseline, unit)}`]),
    ...(threshold === undefined ? [] : [thresholdInWords(threshold, unit, last)]),
  ].join(" · ");
}
