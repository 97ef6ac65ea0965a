const OFFSET = 14_695_981_039_346_656_037n;
const PRIME = 1_099_511_628_211n;
const MASK = (1n << 64n) - 1n;

/**
 * Names an alert by its labels: FNV-1a, 64 bits, over the sorted names and values with a byte 255 after each.
 *
 * @returns 16 hex digits, equal to Alertmanager's
 * @see prometheus/common, model/signature.go
 */
export function fingerprintOf(labels: Readonly<Record<string, string>>): string {
  let hash = OFFSET;
  const add = (byte: number) => {
    hash = ((hash ^ BigInt(byte)) * PRIME) & MASK;
  };
  for (const name of Object.keys(labels).sort())
    for (const text of [name, labels[name] as string]) {
      for (const byte of Buffer.from(text, "utf8")) add(byte);
      add(255);
    }
  return hash.toString(16).padStart(16, "0");
}
