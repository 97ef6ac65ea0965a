// Asks the process in this container whether it is ready: exit code 0 when it is. Its answer names what is not up, and Docker keeps it.
//   node health-check.mjs [path]      the port is TOCSIN_PORT's
const path = process.argv[2] ?? "/readyz";
const port = process.env.TOCSIN_PORT ?? "8080";
try {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(3_500) });
  process.stdout.write((await response.text()).slice(0, 2_000));
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`no answer on port ${port}: ${error.message}\n`);
  process.exitCode = 1;
}
