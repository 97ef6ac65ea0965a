/** Partitions of every topic. Fixed: with another number the same key would live elsewhere and lose its order. */
export const PARTITIONS = 8;

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/**
 * Murmur2 over the key's UTF-8 bytes, as `org.apache.kafka.common.utils.Utils.murmur2` computes it.
 * @returns a signed 32-bit integer
 */
export function murmur2(key: string): number {
  const bytes = Buffer.from(key, "utf8");
  const { length } = bytes;
  let h = SEED ^ length;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    let k = Math.imul(bytes.readInt32LE(i), M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const rest = length - whole;
  if (rest === 3) h ^= (bytes[whole + 2] as number) << 16;
  if (rest >= 2) h ^= (bytes[whole + 1] as number) << 8;
  if (rest >= 1) h = Math.imul(h ^ (bytes[whole] as number), M);
  h = Math.imul(h ^ (h >>> 13), M);
  return (h ^ (h >>> 15)) | 0;
}

/** Where a key lives: the choice of Kafka's default partitioner, so that adapters and foreign producers agree. */
export const partitionOf = (key: string, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions;
