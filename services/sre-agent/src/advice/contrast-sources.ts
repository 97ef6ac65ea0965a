import type { Signals } from "@tocsin/signals";
import type { Gathered } from "../gathering.ts";
import type { ContrastSource } from "./contrast.ts";

const MAX_LINES = 2_000;

/** The sources as they are now, each within a deadline. */
export function liveContrasts(signals: Signals, stepSeconds: number, deadlineMs: number): ContrastSource {
  const options = { deadlineMs };
  return {
    async series(service, signal, window) {
      const { value } = await signals.metrics.signals([service], [signal], { from: window.from, to: window.to }, stepSeconds, options);
      return value.find((each) => each.service === service && each.signal === signal);
    },
    async logs(service, window) {
      const { value, partial } = await signals.logs.lines(service, window, MAX_LINES, options);
      return partial.length > 0 ? undefined : value;
    },
    async edges(window) {
      const { value, partial } = await signals.traces.edges(window, options);
      return partial.length > 0 ? undefined : value;
    },
  };
}

/** What a round has kept: nothing outside its window is known. */
export function keptContrasts(gathered: Pick<Gathered, "window" | "series" | "logs" | "edges">): ContrastSource {
  const { window } = gathered;
  return {
    async series(service, signal, { from, to }) {
      const found = gathered.series.find((each) => each.service === service && each.signal === signal);
      if (!found) return undefined;
      const samples = found.samples.flatMap(([at, value]) => (at >= from && at <= to && value !== null ? [[at, value] as const] : []));
      return { ...found, samples };
    },
    async logs(service, { from, to }) {
      if (from < window.from) return undefined;
      return gathered.logs.filter((line) => line.service === service && line.at >= from && line.at < to);
    },
    async edges({ to }) {
      return to <= window.splitAt ? gathered.edges.baseline : gathered.edges.incident;
    },
  };
}
