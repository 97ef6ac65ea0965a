// Lines as services of many kinds write them, labelled by the statement that wrote them. Deterministic.

const STATEMENTS: readonly (readonly [label: string, line: (n: number) => string])[] = [
  ["http-access", (n) => `10.${n % 250}.0.${n % 200} - - "GET /api/v1/orders/${1_000 + n} HTTP/1.1" 200 ${n * 17} ${(n % 90) / 1_000}`],
  ["order-placed", (n) => `order ${hex(n, 8)}-${hex(n * 7, 4)}-4a1c-9f00-${hex(n * 13, 12)} placed by customer ${n} for ${n}.99 EUR`],
  [
    "order-failed",
    (n) => `order ${hex(n, 8)}-${hex(n * 7, 4)}-4a1c-9f00-${hex(n * 13, 12)} could not be placed: inventory answered ${500 + (n % 5)}`,
  ],
  ["pool-wait", (n) => `waiting for a connection: ${n % 30} in use of 20, ${n % 9} queued for ${n} ms`],
  ["retry", (n) => `retrying call to payments, attempt ${n % 5} of 5 after ${n * 3} ms`],
  ["timeout", (n) => `call to payments timed out after ${2_000 + (n % 50)} ms`],
  ["gc", (n) => `GC pause (G1 Evacuation Pause) (young) ${n}M->${n % 100}M(512M), 0.00${n % 10}${n % 7} secs`],
  ["login", (n) => `user ${name(n)} logged in from 192.168.${n % 255}.${n % 250} with a password`],
  ["login-failed", (n) => `user ${name(n)} failed to log in from 192.168.${n % 255}.${n % 250}: bad password`],
  ["cache-size", (n) => `session cache holds ${n * 40} entries, ${n} MB; nothing was evicted`],
  ["config", (n) => `configuration key ${["CART_TTL", "POOL_SIZE", "REGION", "LOG_LEVEL"][n % 4]} changed to ${n}`],
  ["rebalance", (n) => `[Consumer clientId=consumer-${n % 9}, groupId=tocsin] Revoke previously assigned partitions sre-critical-${n % 6}`],
  ["slow-query", (n) => `duration: ${n}.${n % 999} ms  statement: SELECT * FROM orders WHERE id = ${n}`],
  ["deadlock", (n) => `deadlock detected: process ${n + 4_000} waits for ShareLock on transaction ${n * 11}`],
  ["started", (n) => `listening on 0.0.0.0:${3_000 + (n % 9)} after ${n % 900} ms`],
  [
    "exception",
    (n) => `TypeError: Cannot read properties of undefined (reading 'amount') at charge (/srv/payments/charge.js:${n % 200}:${n % 80})`,
  ],
  ["disk", (n) => `/dev/sda${n % 4} is ${n % 100}% full, ${n * 3} MB left`],
  ["health", () => "health check passed"],
];

const hex = (n: number, length: number): string =>
  (Math.imul(n + 1, 2_654_435_761) >>> 0).toString(16).padStart(8, "0").repeat(2).slice(0, length);
const name = (n: number): string => ["anna", "berta", "carla", "dora", "emil", "fritz", "gustav", "hans", "ida", "julia"][n % 10] as string;

export const labelledLines = (each = 150): { label: string; message: string }[] =>
  Array.from({ length: each * STATEMENTS.length }, (_, index) => {
    const [label, line] = STATEMENTS[(index * 7) % STATEMENTS.length] as (typeof STATEMENTS)[number];
    return { label, message: line(index) };
  });
