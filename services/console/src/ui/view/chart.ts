// What a chart shows beside its lines, and all of it in words.
import { figure } from "./figures.ts";
import { clock } from "./time.ts";

export interface Marker {
  /** Unix seconds. */
  readonly at: number;
  readonly label: string;
  readonly tone: "bad" | "busy" | "calm" | "good";
}
export interface ChartLine {
  readonly name: string;
  readonly samples: readonly (readonly [number, number | null])[];
  readonly tone?: "main" | "bad" | "busy" | "good";
}
export interface ChartWords {
  readonly label: string;
  readonly lines: readonly ChartLine[];
  readonly unit: string;
  readonly markers: readonly Marker[];
  /** How it was before. */
  readonly baseline?: number | undefined;
  /** The line that a rule draws. */
  readonly threshold?: number | undefined;
}

/** Beyond so many times the lines' own height, a threshold would press them flat: it is told and not drawn. */
const FLAT = 4;

/** Pure: from where to where the values of a chart go. A threshold is within, unless the lines could not be read any more. */
export function rangeOf(min: number | null, max: number | null, threshold: number | undefined): [from: number, to: number] {
  const least = Math.min(0, min ?? 0);
  const most = max !== null && max > 0 ? max * 1.15 : 1;
  if (threshold === undefined || !Number.isFinite(threshold)) return [least, most];
  const height = most - least;
  if (threshold > most && threshold - least <= FLAT * height) return [least, threshold * 1.15];
  if (threshold < least && most - threshold <= FLAT * height) return [threshold * 1.15, most];
  return [least, most];
}

/** Pure: a chart in words: what it shows, from what to what, its level before, its threshold and on which side of it the last value is, its marks. */
export function describeChart({ label, lines, unit, markers, baseline, threshold }: ChartWords): string {
  const last = lines.map(({ samples }) => samples.findLast(([, value]) => value !== null)?.[1]);
  const parts = lines.map(({ name, samples }, n) => {
    const values = samples.flatMap(([, value]) => (value === null ? [] : [value]));
    if (values.length === 0) return `${name}: no data`;
    return `${name}: last ${figure(last[n], unit)}, least ${figure(Math.min(...values), unit)}, most ${figure(Math.max(...values), unit)}`;
  });
  return [
    label,
    ...parts,
    ...(baseline === undefined ? [] : [`before ${figure(baseline, unit)}`]),
    ...(threshold === undefined ? [] : [thresholdInWords(threshold, unit, lines.length === 1 ? last[0] : undefined)]),
    ...markers.map((each) => `${each.label} at ${clock(each.at * 1000)}`),
  ].join(". ");
}

/** @param last the last value of the chart's only line */
export function thresholdInWords(threshold: number, unit: string, last?: number | null): string {
  const words = `threshold ${figure(threshold, unit)}`;
  if (last === undefined || last === null) return words;
  return `${words}, the last value is ${last > threshold ? "above" : last < threshold ? "below" : "at"} it`;
}

const dayOf = (at: number): string => `${new Date(at * 1000).getDate()}.${new Date(at * 1000).getMonth() + 1}.`;

/** Pure: moments along an axis as short as still tells them apart: days, minutes, or seconds. @param ticks Unix seconds, ascending */
export function timesOf(ticks: readonly number[]): string[] {
  const [first = 0, second = Number.POSITIVE_INFINITY] = ticks;
  if ((ticks.at(-1) ?? 0) - first > 90_000) return ticks.map(dayOf);
  return ticks.map((at) => (second - first < 60 ? clock(at * 1000) : clock(at * 1000).slice(0, 5)));
}
