import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type AuthRules, authenticate, type Door } from "../src/auth.ts";

const now = Date.parse("2026-08-20T10:00:00Z");
const seconds = String(now / 1000);
const body = Buffer.from('{"version":"1"}');
const none: AuthRules = {
  webhookTokens: [],
  gitlabTokens: [],
  grafanaHmacSecrets: [],
  grafanaHmacHeader: "X-Grafana-Alerting-Signature",
  grafanaHmacTimestampHeader: undefined,
  signingSecrets: [],
  signatureToleranceSeconds: 300,
};
const ask = (rules: Partial<AuthRules>, headers: Record<string, string>, door: Door = "alertmanager", bytes = body) =>
  authenticate(door, headers, bytes, { ...none, ...rules }, now).kind;

describe("without any secret", () => {
  test("everybody is let in", () => {
    expect(ask({}, {})).toBe("in");
  });
});

describe("a token", () => {
  const rules = { webhookTokens: ["the-one-in-use-now", "its-successor-soon"] };
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`;

  test.each([
    ["Bearer the-one-in-use-now", "in"],
    ["bearer its-successor-soon", "in"],
    [basic("anybody:the-one-in-use-now"), "in"],
    ["Bearer the-one-in-use-no", "out"],
    ["Bearer the-one-in-use-now-and-more", "out"],
    [basic("the-one-in-use-now:wrong"), "out"],
    [basic("the-one-in-use-now"), "out"],
    ["Bearer ", "out"],
    ["the-one-in-use-now", "out"],
    ["", "out"],
  ])("sent as %s is %s", (authorization, verdict) => {
    expect(ask(rules, { authorization })).toBe(verdict);
  });

  test("is asked for at every door", () => {
    for (const door of ["alertmanager", "grafana", "generic"] as const) expect(ask(rules, {}, door)).toBe("out");
  });

  test("with a colon in it works as a password", () => {
    expect(ask({ webhookTokens: ["pass:with:colons:in"] }, { authorization: basic("u:pass:with:colons:in") })).toBe("in");
  });
});

describe("Grafana's signature", () => {
  const secret = "grafana-secret-1";
  const next = "grafana-secret-2";
  const hex = (key: string, text: string | Buffer) => createHmac("sha256", key).update(text).digest("hex");
  const rules = { grafanaHmacSecrets: [secret, next] };
  const timed = { ...rules, grafanaHmacTimestampHeader: "X-Grafana-Timestamp" };
  const signed = (signature: string, timestamp?: string) => ({
    "x-grafana-alerting-signature": signature,
    ...(timestamp === undefined ? {} : { "x-grafana-timestamp": timestamp }),
  });

  test("fits with either secret, over the bytes as they came", () => {
    expect(ask(rules, signed(hex(secret, body)), "grafana")).toBe("in");
    expect(ask(rules, signed(hex(next, body)), "grafana")).toBe("in");
    expect(ask(rules, signed(hex(secret, body)), "grafana", Buffer.from('{"version": "1"}'))).toBe("out");
    expect(ask(rules, signed(hex("some-other-secret", body)), "grafana")).toBe("out");
  });

  test("with a time is over both and names the delivery", () => {
    const at = (timestamp: string) => ask(timed, signed(hex(secret, `${timestamp}:${body}`), timestamp), "grafana");
    expect(at(seconds)).toBe("signed");
    expect(at(String(now / 1000 - 300))).toBe("signed");
    expect(at(String(now / 1000 - 301))).toBe("out");
    expect(at(String(now / 1000 + 301))).toBe("out");
    expect(at("now")).toBe("out");
  });

  test("without the time that is asked for does not fit", () => {
    expect(ask(timed, signed(hex(secret, body)), "grafana")).toBe("out");
    expect(ask(timed, signed(hex(secret, body), seconds), "grafana")).toBe("out");
  });

  test("opens Grafana's door alone; the others stay shut", () => {
    expect(ask(rules, signed(hex(secret, body)), "alertmanager")).toBe("out");
    expect(ask(rules, {}, "alertmanager")).toBe("out");
  });
});

describe("a Standard Webhooks signature", () => {
  const secret = `whsec_${Buffer.from("0123456789abcdef01234567").toString("base64")}`;
  const sign = (key: Buffer, id = "msg_1", timestamp = seconds) =>
    `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  const key = Buffer.from("0123456789abcdef01234567");
  const headers = (signature: string, id = "msg_1", timestamp = seconds) => ({
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signature,
  });
  const rules = { signingSecrets: [secret] };

  test("fits when any of those sent does, and names the delivery by its id", () => {
    expect(authenticate("generic", headers(`v1,AAAA v1a,x ${sign(key)}`), body, { ...none, ...rules }, now)).toEqual({
      kind: "signed",
      deliveryKey: "webhook:msg_1",
    });
  });

  test("does not fit another id, another time, another body or an old time", () => {
    expect(ask(rules, headers(sign(key), "msg_2"), "generic")).toBe("out");
    expect(ask(rules, headers(sign(key), "msg_1", String(now / 1000 + 1)), "generic")).toBe("out");
    expect(ask(rules, headers(sign(key)), "generic", Buffer.from("{}"))).toBe("out");
    const old = String(now / 1000 - 301);
    expect(ask(rules, headers(sign(key, "msg_1", old), "msg_1", old), "generic")).toBe("out");
  });

  test("is known from the vector of the specification's libraries", () => {
    // standard-webhooks: secret, id, timestamp and body as its test suites use them.
    const at = 1614265330;
    const verdict = authenticate(
      "generic",
      {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": String(at),
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
      },
      Buffer.from('{"test": 2432232314}'),
      { ...none, signingSecrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] },
      at * 1000,
    );
    expect(verdict.kind).toBe("signed");
  });
});
