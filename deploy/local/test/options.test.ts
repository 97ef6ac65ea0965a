import { expect, test } from "vitest";
import { readCommand } from "../src/cli/options.ts";

test("up starts all parts but Loki and Docker, one of each service", () => {
  expect(readCommand(["up"])).toMatchObject({
    action: "up",
    parts: ["postgres", "kafka", "redis", "prometheus", "alertmanager"],
    replicas: {},
    targets: "lab",
    port: undefined,
  });
  expect(readCommand(["up"]).folder).toMatch(/\/\.data\/stack$/);
});

test("parts and replicas are added, left out and counted", () => {
  const command = readCommand([
    "up",
    "--with",
    "loki, docker",
    "--without",
    "redis",
    "--replicas",
    "correlator=3,gitlab-sync=0",
    "--port",
    "9000",
  ]);
  expect(command.parts).toEqual(["postgres", "kafka", "prometheus", "alertmanager", "loki", "docker"]);
  expect(command.replicas).toEqual({ correlator: 3, "gitlab-sync": 0 });
  expect(command.port).toBe(9000);
  expect(readCommand(["up", "--targets", "docker"]).replicas).toEqual({ lab: 0, "chaos-api": 0 });
});

test.each([
  [[], /say up, down or status;/],
  [["sideways"], /not "sideways"/],
  [["up", "now"], /not "up now"/],
  [["up", "--with", "mysql"], /--with names "mysql"; known parts: postgres, kafka/],
  [["up", "--replicas", "brain=2"], /known services: lab, correlator/],
  [["up", "--replicas", "correlator=many"], /number from 0 to 20, not "many"/],
  [["up", "--replicas", "console=2"], /number from 0 to 1/],
  [["up", "--port", "70000"], /--port is a number from 0 to 65535/],
  [["up", "--targets", "kubernetes"], /lab or docker/],
  [["up", "--prot", "1"], /Unknown option '--prot'/],
])("%j is refused, saying what is known", (argv, said) => {
  expect(() => readCommand(argv)).toThrow(said);
});

test("help is help, whatever stands beside it", () => {
  expect(readCommand(["--help"]).action).toBe("help");
  expect(readCommand(["up", "-h"]).action).toBe("help");
});
