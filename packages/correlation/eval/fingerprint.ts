/** FNV-1a-64 over the sorted label set, as 16 hex digits: the identity that Alertmanager gives an alert. */
export function fingerprintOf(labels: Readonly<Record<string, string>>): string {
  let hash = 0xcbf29ce484222325n;
  for (const [name, value] of Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    for (const byte of Buffer.from(`${name}\xff${value}\xff`, "latin1"))
      hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, "0");
}
