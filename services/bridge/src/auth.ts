import { createHmac } from "node:crypto";
import { equalSecrets } from "@tocsin/http";
import type { BridgeConfig } from "./config.ts";

export type Door = "alertmanager" | "grafana" | "generic" | "gitlab";

export type Verdict =
  | { readonly kind: "in" }
  /** In, and signed over a text that names the delivery: the same key again is the same delivery. */
  | { readonly kind: "signed"; readonly deliveryKey: string }
  | { readonly kind: "out"; readonly reason: string };

export type AuthRules = Pick<
  BridgeConfig,
  | "webhookTokens"
  | "grafanaHmacSecrets"
  | "gitlabTokens"
  | "grafanaHmacHeader"
  | "grafanaHmacTimestampHeader"
  | "signingSecrets"
  | "signatureToleranceSeconds"
>;

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Pure: may this delivery come in? Any one of the ways that are configured for its door is enough. Once any secret is configured, a door
 * for which there is none stays shut.
 *
 * @param body the raw bytes: a signature is over them and not over what a parser made of them
 */
export function authenticate(door: Door, headers: Headers, body: Uint8Array, rules: AuthRules, nowMs: number): Verdict {
  const { webhookTokens, grafanaHmacSecrets, gitlabTokens, signingSecrets } = rules;
  if (webhookTokens.length + grafanaHmacSecrets.length + gitlabTokens.length + signingSecrets.length === 0) return { kind: "in" };
  const given = credentialsOf(text(headers, "authorization"));
  if (given !== undefined && anyEqual(webhookTokens, given)) return { kind: "in" };
  if (door === "grafana" && grafanaHmacSecrets.length > 0 && text(headers, rules.grafanaHmacHeader) !== undefined)
    return checkGrafana(headers, body, rules, nowMs);
  if ((door === "generic" || door === "gitlab") && signingSecrets.length > 0 && text(headers, "webhook-signature") !== undefined)
    return checkStandardWebhook(headers, body, rules, nowMs);
  const token = door === "gitlab" ? text(headers, "x-gitlab-token") : undefined;
  if (token !== undefined) {
    const fits = anyEqual([...gitlabTokens, ...webhookTokens], token);
    return fits ? { kind: "in" } : { kind: "out", reason: "its X-Gitlab-Token is not known" };
  }
  return { kind: "out", reason: given === undefined ? "it carries no credentials that this webhook takes" : "its token is not known" };
}

/** @see grafana/alerting `http/hmac.go`: lower-case hex over the body, or over `<timestamp>:<body>` */
function checkGrafana(headers: Headers, body: Uint8Array, rules: AuthRules, nowMs: number): Verdict {
  const signature = text(headers, rules.grafanaHmacHeader) ?? "";
  const named = rules.grafanaHmacTimestampHeader;
  const timestamp = named === undefined ? undefined : text(headers, named);
  if (named !== undefined) {
    if (timestamp === undefined) return { kind: "out", reason: `it has no ${named}` };
    if (!isRecent(timestamp, rules.signatureToleranceSeconds, nowMs)) return { kind: "out", reason: "its timestamp is too far from now" };
  }
  const expected = rules.grafanaHmacSecrets.map((secret) => {
    const mac = createHmac("sha256", secret);
    if (timestamp !== undefined) mac.update(`${timestamp}:`);
    return mac.update(body).digest("hex");
  });
  if (!anyEqual(expected, signature)) return { kind: "out", reason: "its signature does not fit" };
  return timestamp === undefined ? { kind: "in" } : { kind: "signed", deliveryKey: `grafana:${timestamp}:${signature}` };
}

/** @see Standard Webhooks 1.0.0: base64 over `<id>.<timestamp>.<body>`; any one of the signatures may fit */
function checkStandardWebhook(headers: Headers, body: Uint8Array, rules: AuthRules, nowMs: number): Verdict {
  const id = text(headers, "webhook-id");
  const timestamp = text(headers, "webhook-timestamp");
  if (id === undefined || timestamp === undefined) return { kind: "out", reason: "it has no webhook-id or no webhook-timestamp" };
  if (!isRecent(timestamp, rules.signatureToleranceSeconds, nowMs)) return { kind: "out", reason: "its timestamp is too far from now" };
  const expected = rules.signingSecrets.map((secret) =>
    createHmac("sha256", signingKey(secret)).update(`${id}.${timestamp}.`).update(body).digest("base64"),
  );
  const signatures = (text(headers, "webhook-signature") ?? "")
    .split(" ")
    .flatMap((entry) => (entry.startsWith("v1,") ? [entry.slice(3)] : []));
  const fits = signatures.slice(0, 10).some((signature) => anyEqual(expected, signature));
  return fits ? { kind: "signed", deliveryKey: `webhook:${id}` } : { kind: "out", reason: "its signature does not fit" };
}

const signingKey = (secret: string): Buffer =>
  secret.startsWith("whsec_") ? Buffer.from(secret.slice("whsec_".length), "base64") : Buffer.from(secret, "utf8");

function isRecent(unixSeconds: string, toleranceSeconds: number, nowMs: number): boolean {
  return /^\d{1,12}$/.test(unixSeconds) && Math.abs(nowMs / 1000 - Number(unixSeconds)) <= toleranceSeconds;
}

/** Compares with every secret, also after one has fitted, so that the time says nothing about which. */
function anyEqual(secrets: readonly string[], given: string): boolean {
  let fits = false;
  for (const secret of secrets) if (equalSecrets(secret, given)) fits = true;
  return fits;
}

/** The token of `Bearer <token>`, or the password of `Basic <user:password>`; the user name is not looked at. */
function credentialsOf(authorization: string | undefined): string | undefined {
  const bearer = /^Bearer +(.+)$/i.exec(authorization ?? "")?.[1];
  if (bearer !== undefined) return bearer.trim();
  const basic = /^Basic +(.+)$/i.exec(authorization ?? "")?.[1];
  if (basic === undefined) return undefined;
  const pair = Buffer.from(basic, "base64").toString("utf8");
  return pair.includes(":") ? pair.slice(pair.indexOf(":") + 1) : undefined;
}

function text(headers: Headers, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value[0] : value;
}
