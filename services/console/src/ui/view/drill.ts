// How a drill is shown: its marks in order, and what its score says.
import type { DrillView } from "@tocsin/contracts";

export interface Mark {
  readonly key: keyof DrillView["at"];
  readonly name: string;
  readonly at: string | undefined;
  /** Seconds after the fault was put in; undefined while it has not happened. */
  readonly after: number | undefined;
}

const MARKS: readonly (readonly [key: keyof DrillView["at"], name: string])[] = [
  ["injected", "Broken"],
  ["fired", "Alert"],
  ["incident", "Incident"],
  ["cause", "Cause"],
  ["action", "Action"],
  ["verified", "Verified"],
  ["closed", "Closed"],
];

export const marksOf = ({ at }: Pick<DrillView, "at">): readonly Mark[] =>
  MARKS.map(([key, name]) => {
    const moment = at[key];
    return { key, name, at: moment, after: moment === undefined ? undefined : (Date.parse(moment) - Date.parse(at.injected)) / 1000 };
  });

/** The next thing to wait for, while it runs. */
export const awaitedOf = (drill: DrillView): Mark | undefined =>
  drill.state === "running" ? marksOf(drill).find(({ at }) => at === undefined) : undefined;

export interface DrillScore {
  readonly total: number;
  readonly passed: number;
  readonly causeRight: number;
  readonly actionRight: number;
}
export function scoreOf(drills: readonly DrillView[]): DrillScore {
  const ended = drills.filter(({ state }) => state !== "running");
  return {
    total: ended.length,
    passed: ended.filter(({ state }) => state === "passed").length,
    causeRight: ended.filter(({ cause }) => cause.right).length,
    actionRight: ended.filter(({ action }) => action.right).length,
  };
}
