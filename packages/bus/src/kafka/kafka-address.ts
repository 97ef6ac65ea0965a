import * as net from "node:net";
import { busUrlInvalid } from "../errors.ts";

export interface KafkaAddress {
  readonly brokers: readonly string[];
  /** Put before every topic and group, so that several installations share one cluster. Default none. */
  readonly prefix: string;
  /** Copies of every partition that we create. Default: 3, or as many as there are brokers when there are fewer. */
  readonly replication?: number;
}

/**
 * `kafka://host:port[,host:port…][?prefix=team.&replication=3]`
 * @throws AppError `BUS_URL_INVALID`; user name and password in the address are refused, because addresses are logged
 */
export function parseKafkaUrl(url: string): KafkaAddress {
  const match = /^kafka:\/\/([^/?#]*)\/?(?:\?(.*))?$/.exec(url);
  if (!match) throw busUrlInvalid("expected kafka://host:port[,host:port]");
  const [, hosts = "", query = ""] = match;
  if (hosts.includes("@")) throw busUrlInvalid("credentials do not belong in the address; set TOCSIN_BUS_USERNAME and TOCSIN_BUS_PASSWORD");
  const brokers = hosts.split(",").map((host) => {
    const parts = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(host);
    const port = Number(parts?.[2] ?? 9092);
    const name = parts?.[1] ?? "";
    if (!parts || port < 1 || port > 65_535 || (name.startsWith("[") && !net.isIPv6(name.slice(1, -1))))
      throw busUrlInvalid(`${JSON.stringify(host)} is not host:port`);
    return `${name}:${port}`;
  });
  const options = new URLSearchParams(query);
  const unknown = [...options.keys()].find((name) => name !== "prefix" && name !== "replication");
  if (unknown !== undefined) throw busUrlInvalid(`unknown option ${JSON.stringify(unknown)}; known: prefix, replication`);
  const prefix = options.get("prefix") ?? "";
  if (!/^[A-Za-z0-9._-]{0,100}$/.test(prefix)) throw busUrlInvalid("prefix may hold letters, digits, dot, underscore and hyphen");
  const replication = options.get("replication");
  if (replication === null) return { brokers, prefix };
  if (!/^[1-9]$/.test(replication)) throw busUrlInvalid("replication is a number from 1 to 9");
  return { brokers, prefix, replication: Number(replication) };
}
