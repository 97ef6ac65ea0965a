import { expect, test } from "vitest";
import { parseKafkaUrl } from "../../src/kafka/kafka-address.ts";

test.each([
  ["kafka://h:9092", { brokers: ["h:9092"], prefix: "" }],
  ["kafka://h", { brokers: ["h:9092"], prefix: "" }],
  ["kafka://a:1,b.example.org:65535/", { brokers: ["a:1", "b.example.org:65535"], prefix: "" }],
  ["kafka://[::1]:9092?prefix=team-a.&replication=2", { brokers: ["[::1]:9092"], prefix: "team-a.", replication: 2 }],
])("reads %s", (url, address) => {
  expect(parseKafkaUrl(url)).toEqual(address);
});

test.each([
  "kafka:",
  "kafka://",
  "kafka://h:0",
  "kafka://h:70000",
  "kafka://h:9092,",
  "kafka://h:9092/topic",
  "kafka://h:9092?acks=1",
  "kafka://h:9092?prefix=a/b",
  "kafka://h:9092?replication=0",
  "kafka://[:::1]:1",
])("refuses %s with a reason", (url) => {
  expect(() => parseKafkaUrl(url)).toThrow(expect.objectContaining({ code: "BUS_URL_INVALID" }));
});

test("refuses credentials in the address without repeating them", () => {
  expect(() => parseKafkaUrl("kafka://me:secret@h:9092")).toThrow(/^(?!.*secret).*TOCSIN_BUS_PASSWORD/);
});
