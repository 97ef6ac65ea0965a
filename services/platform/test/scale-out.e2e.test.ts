// Two of each worker on real Kafka and Postgres: how they share the work, and what becomes of one that is paused (SIGSTOP), loses its
// partitions, its job and its lease to the other, and wakes up.
import { setTimeout as delay } from "node:timers/promises";
import { eventually, lacks, PROMETHEUS_PROGRAMS } from "@tocsin/testkit";
import { type Admin, AssignerProtocol, Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Gate, openGate } from "./crash/gate.ts";
import { backlog, judge, missing } from "./crash/oracle.ts";
import { PARTS_PROGRAMS } from "./crash/parts.ts";
import { chanceOf } from "./crash/random.ts";
import { type Stack, startStack } from "./crash/stack.ts";

const GROUP = "tocsin.correlator";
/** A paused worker's leases have run out by then: the longest is the agent's and the executor's job, 30 s and one look of five. */
const TAKE_OVER_MS = 120_000;

describe.skipIf(lacks(...PARTS_PROGRAMS, ...PROMETHEUS_PROGRAMS))("several of each", () => {
  let stack: Stack;
  let admin: Admin;
  /** In front of what each agent measures with. */
  const gates = new Map<string, Gate>();

  beforeAll(async () => {
    stack = await startStack("scale-out", chanceOf(7), {
      nodes: 12,
      replicas: { bridge: 2, correlator: 2, "sre-agent": 2, executor: 2, "chaos-api": 0, "gitlab-sync": 0, console: 0 },
      async envOf(name, metricsUrl) {
        if (!name.startsWith("sre-agent")) return {};
        const gate = await openGate(metricsUrl);
        gates.set(name, gate);
        return { TOCSIN_METRICS_URL: gate.url };
      },
    });
    admin = new Kafka({ brokers: [`127.0.0.1:${stack.parts.kafka.port}`], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
  }, 240_000);
  afterAll(async () => {
    await admin?.disconnect();
    await stack?.stop();
    for (const gate of gates.values()) await gate.close();
  }, 120_000);

  /** Who reads which partitions of the alert topics, by member. */
  async function shares(): Promise<string[][]> {
    const { groups } = await admin.describeGroups([GROUP]);
    return (groups[0]?.members ?? []).map(({ memberAssignment }) =>
      Object.entries(AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {}).flatMap(([topic, partitions]) =>
        partitions.map((partition) => `${topic}/${partition}`),
      ),
    );
  }

  const incidentOf = async (probe: string) =>
    (
      await stack.parts.rows<{ id: string; state: string; fence: string; events: number }>(
        `SELECT i.id, i.state, i.fence, (SELECT count(*)::int FROM event_log e WHERE e.incident_id = i.id) AS events
         FROM incidents i JOIN incident_members m ON m.incident_id = i.id JOIN alerts a ON a.scope = m.scope AND a.fingerprint = m.fingerprint
         WHERE a.labels->>'probe' = $1`,
        [probe],
      )
    )[0];

  /** Breaks a node and tells of it. @returns its alert's name */
  async function breakNode(name: string): Promise<{ probe: string; mended(): Promise<void> }> {
    const startsAt = Date.now();
    const labels = { alertname: "InstanceDown", service: name, cluster: `fleet-${name}`, severity: "critical", probe: `down-${name}` };
    stack.fleet.break(name);
    await stack.untilSeenDown(name);
    await stack.load.send(labels, "firing", startsAt);
    return { probe: labels.probe, mended: () => stack.load.send(labels, "resolved", startsAt) };
  }

  const TWINS = ["twin-1", "twin-2", "twin-3"];

  test("two bridges behind one address accept duplicates of each other", async () => {
    const body = JSON.stringify({
      version: "4",
      status: "firing",
      receiver: "tocsin",
      groupKey: "{}",
      alerts: TWINS.map((probe) => ({
        status: "firing",
        labels: { alertname: "Twin", cluster: "twins", service: `of-${probe}`, probe },
        annotations: {},
        startsAt: "2026-01-01T00:00:00Z",
        endsAt: "0001-01-01T00:00:00Z",
      })),
    });
    const post = async (address: string) =>
      (
        await fetch(`${address}/webhooks/alertmanager`, {
          method: "POST",
          headers: { authorization: `Bearer ${stack.token}`, "content-type": "application/json" },
          body,
        })
      ).json();
    expect(await post(stack.service("bridge-1").address)).toEqual({ accepted: 3, duplicates: 0, quarantined: 0 });
    expect(await post(stack.service("bridge-2").address)).toEqual({ accepted: 0, duplicates: 3, quarantined: 0 });
    // Both at once, without the memory that they share: each sends them on, and they are handled once.
    await stack.parts.redis.halt();
    const answers = await Promise.all(["bridge-1", "bridge-2"].map((name) => post(stack.service(name).address)));
    expect(answers).toMatchObject([{ quarantined: 0 }, { quarantined: 0 }]);
    await stack.parts.redis.resume();
    await eventually("the twins are in an incident", async () => {
      const rows = await stack.parts.rows(
        "SELECT * FROM alert_transitions t JOIN alerts a USING (scope, fingerprint) WHERE a.name = 'Twin'",
      );
      return rows.length === 3 ? true : undefined;
    });
  }, 60_000);

  test("correlators share the partitions, and lose and repeat nothing while one leaves and returns under load", async () => {
    await eventually(
      "both have a share",
      async () => ((await shares()).filter((share) => share.length > 0).length === 2 ? true : undefined),
      30_000,
    );
    stack.load.run(40);
    stack.service("correlator-2").kill();
    await stack.service("correlator-2").untilReady();
    await eventually(
      "both have a share again",
      async () => {
        const all = await shares();
        return all.length === 2 && all.every((share) => share.length > 0) ? true : undefined;
      },
      60_000,
    );
    const all = (await shares()).flat();
    expect(all).toHaveLength(24);
    expect(new Set(all).size).toBe(24);
  }, 150_000);

  test("a correlator, an agent and an executor that are paused, lose their work to others and wake up change nothing any more", async () => {
    // An executor is paused while the node that it restarts is restarting.
    const stopped: string[] = [];
    const acting = new Promise<string>((resolve) => {
      stack.fleet.onAct = ({ by }) => {
        stack.fleet.onAct = () => {};
        stack.service(by).signal("SIGSTOP");
        stopped.push(by);
        resolve(by);
      };
    });
    const first = await breakNode("node-00");
    const pausedExecutor = await acting;
    expect(pausedExecutor).toMatch(/^executor-[12]$/);
    await first.mended();

    // An agent is paused while it gathers.
    const held = [...gates].map(async ([name, gate]) => {
      await gate.shutFor("node-01");
      return name;
    });
    const second = await breakNode("node-01");
    const pausedAgent = await Promise.race(held);
    stack.service(pausedAgent).signal("SIGSTOP");
    for (const gate of gates.values()) gate.open();
    stopped.push(pausedAgent);

    // A correlator is paused under load. Positions of the group may never go back.
    stack.service("correlator-1").signal("SIGSTOP");
    stopped.push("correlator-1");
    const positions = new Map<string, number>();
    const wentBack: string[] = [];
    const look = async () => {
      for (const { topic, partitions } of await admin.fetchOffsets({ groupId: GROUP }))
        for (const { partition, offset } of partitions) {
          const key = `${topic}/${partition}`;
          if (Number(offset) < (positions.get(key) ?? -1)) wentBack.push(`${key} ${offset}`);
          positions.set(key, Number(offset));
        }
    };
    await look();
    await eventually(
      "the other correlator reads all partitions",
      async () => {
        await look();
        const all = await shares();
        return all.length === 1 && all[0]?.length === 24 ? true : undefined;
      },
      TAKE_OVER_MS,
    );

    const settled = ["closed", "escalated"];
    let isMended = false;
    const ended = await eventually(
      "others have brought both incidents to their end",
      async () => {
        if (!stack.fleet.isBroken("node-01") && !isMended) {
          isMended = true;
          await second.mended();
        }
        const both = [await incidentOf(first.probe), await incidentOf(second.probe)];
        return both.every((incident) => incident && settled.includes(incident.state)) ? both : undefined;
      },
      TAKE_OVER_MS,
    );
    const journal = await journalLength();

    for (const name of stopped) stack.service(name).signal("SIGCONT");
    for (const name of stopped) await stack.service(name).untilReady();
    await stack.load.finish();
    await eventually(
      "everything has come to rest",
      async () => {
        await look();
        return Object.keys(await backlog(stack)).length === 0 && (await missing(stack)).length === 0 ? true : undefined;
      },
      TAKE_OVER_MS,
    );
    // What they had in hand they would have written within this.
    await delay(3_000);
    await look();

    expect(wentBack).toEqual([]);
    expect([await incidentOf(first.probe), await incidentOf(second.probe)]).toEqual(ended);
    expect(await journalLength()).toBe(journal);
    expect(stack.fleet.acts.filter(({ target }) => target === "node-00")).toHaveLength(1);
    expect(stack.fleet.acts.filter(({ target }) => target === "node-01").length).toBeLessThanOrEqual(1);
    const { violations } = await judge({ ...stack, sentBeside: TWINS });
    expect(violations).toEqual([]);
  }, 400_000);

  const journalLength = async (): Promise<number> =>
    (await stack.parts.rows<{ length: number }>("SELECT count(*)::int AS length FROM journal"))[0]?.length ?? 0;
});
