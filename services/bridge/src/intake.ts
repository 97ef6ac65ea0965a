// The order of things in one delivery: understood → not seen before → durable (bus, else inbox) → what was not understood
// kept → remembered as seen → answered. Whatever fails before "answered" leaves the alert with its sender, who tries again.
import type { Cache } from "@tocsin/cache";
import { type Alert, AlertFiring, AlertResolved, type OutgoingEvent } from "@tocsin/contracts";
import { type Clock, digestOf, isoTime, type Logger, messageOf, newId, type Sql } from "@tocsin/runtime";
import { insertChanges, insertQuarantined, type NewQuarantineEntry, recordHeartbeats } from "@tocsin/store";
import { unavailable } from "./errors.ts";
import type { BridgeMetrics } from "./metrics.ts";
import type { Parsed, Rejection } from "./parse/outcome.ts";
import type { RefusedEvent, Sender } from "./sender.ts";

/** What a sender is told. */
export interface Receipt {
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
}

export interface IntakeDeps {
  readonly sql: Sql;
  readonly cache: Cache;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: BridgeMetrics;
  /** For how long a transition that comes again is answered without publishing it again, in milliseconds. 0 never. */
  readonly dedupeMs: number;
  /** Alerts that fire always, by name. */
  readonly heartbeatNames: ReadonlySet<string>;
}

/** What came with the body and is worth keeping beside it. */
export interface DeliveryContext {
  readonly traceparent?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A person wants it sent on, whatever was seen before. */
  readonly isReplay?: boolean;
}

export interface Intake {
  /** @throws AppError `BRIDGE_UNAVAILABLE` when something of the delivery is not durable: none of it may count as delivered */
  take(parsed: Parsed, context: DeliveryContext): Promise<Receipt>;
  /** Keeps what cannot be understood or sent on. Durable when it resolves. */
  quarantine(source: string, rejections: readonly Rejection[], headers: Readonly<Record<string, string>>): Promise<void>;
}

const seenKey = (dedupeKey: string): string => `bridge:seen:${dedupeKey}`;

export function createIntake(deps: IntakeDeps): Intake {
  const { sql, cache, sender, clock, log, metrics, dedupeMs, heartbeatNames } = deps;

  async function seenBefore(keys: readonly string[]): Promise<ReadonlySet<string>> {
    if (dedupeMs === 0 || keys.length === 0) return new Set();
    try {
      return await cache.present(keys);
    } catch (error) {
      log.warn({ err: error, reason: messageOf(error) }, "cache not asked");
      return new Set();
    }
  }

  async function remember(keys: readonly string[]): Promise<void> {
    if (dedupeMs === 0 || keys.length === 0) return;
    try {
      await cache.remember(keys, dedupeMs);
    } catch (error) {
      log.warn({ err: error, reason: messageOf(error) }, "cache not written");
    }
  }

  /** A re-send is what shows that a watchdog is alive, so this sees what is answered as a duplicate. Losing one is made good by the next. */
  async function noteHeartbeats(alerts: readonly Alert[]): Promise<void> {
    const heard = alerts.filter(({ name, status }) => status === "firing" && heartbeatNames.has(name));
    if (heard.length === 0) return;
    await recordHeartbeats(sql, heard).catch((error: unknown) => {
      log.warn({ err: error, reason: messageOf(error) }, "watchdog not noted");
    });
  }

  async function quarantine(source: string, rejections: readonly Rejection[], headers: Readonly<Record<string, string>>): Promise<void> {
    const receivedAt = isoTime(clock.now());
    const entries = rejections.map((rejection): NewQuarantineEntry => {
      const { member } = rejection;
      return {
        id: newId("qua", clock.now()),
        source,
        receivedAt,
        code: rejection.code,
        reason: rejection.reason,
        headers: {
          ...headers,
          ...(member === undefined ? {} : { "tocsin-member-of": member.format }),
          ...(member?.groupKey === undefined ? {} : { "tocsin-group-key": member.groupKey }),
        },
        body: rejection.raw,
        bodyDigest: digestOf(rejection.raw),
      };
    });
    await sql.transaction((tx) => insertQuarantined(tx, entries));
    metrics.alerts(source, "quarantined", rejections.length);
    log.warn({ source, quarantined: rejections.length, code: rejections[0]?.code, reason: rejections[0]?.reason }, "quarantined");
  }

  return {
    quarantine,
    async take(
      { source, alerts, changes, rejections, truncatedAlerts, fingerprintMismatches },
      { headers, traceparent, isReplay = false },
    ) {
      const byKey = new Map(alerts.map((alert) => [seenKey(alert.dedupeKey), alert]));
      const distinct = [...byKey.values()];
      const seen = isReplay ? new Set<string>() : await seenBefore([...byKey.keys()]);
      for (const key of seen) byKey.delete(key);
      const fresh = [...byKey.values()];
      let refused: readonly RefusedEvent[] = [];
      let newChanges = 0;
      try {
        refused = await sender.send(fresh.map((alert) => alertEvent(alert, traceparent)));
        const unsendable = refused.map(({ event, error }) => refusal(event, error));
        if (changes.length > 0) newChanges = await sql.transaction((tx) => insertChanges(tx, changes));
        if (rejections.length + unsendable.length > 0) await quarantine(source, [...rejections, ...unsendable], headers);
      } catch (error) {
        throw unavailable(error);
      }
      // Only now: a key remembered before its alert is durable would make the retry of a failed delivery a lost alert.
      await remember([...byKey.keys()]);
      if (!isReplay) await noteHeartbeats(distinct);
      const receipt = {
        accepted: fresh.length - refused.length + newChanges,
        duplicates: alerts.length - fresh.length + (changes.length - newChanges),
        quarantined: rejections.length + refused.length,
      };
      metrics.alerts(source, "accepted", receipt.accepted);
      metrics.alerts(source, "duplicate", receipt.duplicates);
      metrics.truncated(source, truncatedAlerts);
      metrics.fingerprintMismatch(source, fingerprintMismatches);
      if (truncatedAlerts > 0) log.warn({ source, truncatedAlerts }, "sender cut alerts off");
      return receipt;
    },
  };
}

/**
 * The event's id is the transition's: told again, it is the same event, and every consumer handles it once. Its data is not checked here: the
 * bus checks all that it is given, and what it refuses is quarantined.
 */
function alertEvent(alert: Alert, traceparent: string | undefined): OutgoingEvent<Alert> {
  const { type, topic, key } = alert.status === "firing" ? AlertFiring : AlertResolved;
  const event = {
    id: alert.dedupeKey,
    type,
    source: "/tocsin/bridge",
    time: alert.receivedAt,
    topic: topic(alert),
    key: key(alert),
    data: alert,
  };
  return traceparent === undefined ? event : { ...event, traceparent };
}

/** An event that the bus will never take, for the quarantine. */
export const refusal = (event: OutgoingEvent, error: unknown): Rejection => ({
  code: "BRIDGE_MEMBER_OVERSIZED",
  reason: `the bus refuses it: ${messageOf(error)}`,
  raw: Buffer.from(JSON.stringify(event.data)),
  member: { format: "event" },
});
