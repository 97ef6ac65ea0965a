// What people read where no model answered. Each begins with "no model:" so that it can be found in a timeline.
import type { Advice, Spend } from "./adviser.ts";
import type { CallRecord, Limit, Reservation } from "./ledger.ts";

const SCOPE = { incident: "this incident", hour: "the hour", day: "the day", tenant: "the tenant's day" } as const;
const amount: Readonly<Record<keyof Spend, (n: number) => string>> = {
  calls: (n) => `${n} calls`,
  tokens: (n) => `${n.toLocaleString("en-US")} tokens`,
  usd: (n) => `$${n.toFixed(2)}`,
  seconds: (n) => `${Math.round(n)} s`,
};

export const skipped = (reason: Extract<Advice, { kind: "skipped" }>["reason"], text: string): Advice => ({
  kind: "skipped",
  reason,
  text: `no model: ${text}`,
});

const budgetText = (limit: Limit, used: number): string =>
  `the budget of ${SCOPE[limit.scope]} is spent (${amount[limit.what](used)} of ${amount[limit.what](limit.max)})`;

/** The advice that a record already holds. */
export function fromRecord(record: CallRecord): Advice {
  if (record.kind === "replied") return { kind: "reply", reply: record.reply, costUsd: record.costUsd, fromRecord: true };
  if (record.kind === "failed") return skipped("failed", `it was asked before and failed (${record.text})`);
  return skipped("interrupted", "this question was interrupted when it was asked before; it is not paid for twice");
}

/** @returns undefined when the attempt may be made */
export function fromReservation(reservation: Reservation): Advice | undefined {
  if (reservation.kind === "reserved") return undefined;
  if (reservation.kind === "refused") return skipped("budget", budgetText(reservation.limit, reservation.used));
  if (reservation.kind === "cool-down") return skipped("cool-down", `the same was asked ${reservation.secondsAgo} s ago`);
  return fromRecord(reservation);
}
