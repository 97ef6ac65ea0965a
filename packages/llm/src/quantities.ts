// Terms. A *quantity* is a number with what it is a number of: a time, an amount of bytes, a share, a rate or a bare count. Two quantities are
// the same when one is the other rounded, in whatever unit: 0.12 and 12 %, 350 ms and 0.35 s.

type Dimension = "count" | "share" | "time" | "bytes" | "factor";

export interface Quantity {
  readonly text: string;
  /** In seconds, bytes, a share of 1, or as it stands. */
  readonly value: number;
  /** Half of the last digit that is written: how far the true value may be off. */
  readonly slack: number;
  readonly dimension: Dimension;
}

const UNITS: Readonly<Record<string, readonly [Dimension, number]>> = {
  "%": ["share", 0.01],
  percent: ["share", 0.01],
  ns: ["time", 1e-9],
  µs: ["time", 1e-6],
  us: ["time", 1e-6],
  ms: ["time", 0.001],
  milliseconds: ["time", 0.001],
  millisecond: ["time", 0.001],
  s: ["time", 1],
  sec: ["time", 1],
  second: ["time", 1],
  seconds: ["time", 1],
  m: ["time", 60],
  min: ["time", 60],
  minute: ["time", 60],
  minutes: ["time", 60],
  h: ["time", 3_600],
  hour: ["time", 3_600],
  hours: ["time", 3_600],
  d: ["time", 86_400],
  day: ["time", 86_400],
  days: ["time", 86_400],
  b: ["bytes", 1],
  bytes: ["bytes", 1],
  kb: ["bytes", 1e3],
  mb: ["bytes", 1e6],
  gb: ["bytes", 1e9],
  tb: ["bytes", 1e12],
  kib: ["bytes", 1024],
  mib: ["bytes", 1024 ** 2],
  gib: ["bytes", 1024 ** 3],
  tib: ["bytes", 1024 ** 4],
  x: ["factor", 1],
  "×": ["factor", 1],
  times: ["factor", 1],
  k: ["count", 1e3],
};

const WORDS: Readonly<Record<string, number>> = {
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  twenty: 20,
  fifty: 50,
};
/** Numbers in words that are claims all the same and that have no value to compare: each has to stand in the evidence as it is. */
const VAGUE =
  /\b(?:dozens?|hundreds?|thousands?|millions?|billions?|half|halved|twice|thrice|double[ds]?|doubling|triple[ds]?|quadrupled?|\w+fold|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|thirty|forty|sixty|seventy|eighty|ninety|first|second(?!s)|third|fourth|zero|none of)\b/gi;

const CLOCK = /(?<![\d:.])(?:\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?|\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)(?![\d:])/g;
/** Words that hold digits: names, versions, addresses, `p95`. */
const CODED = /(?<![\w.])(?=[\w.:/-]*[A-Za-z_])(?=[\w.:/-]*\d)[A-Za-z_][\w.:/-]*\w|\b\d+(?:\.\d+){2,}\b/g;
const NUMBER = /(?<![\w.])[-+−]?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:\s?(%|µs|×|[A-Za-z]+)(?![A-Za-z]))?/g;
/** What people call a percentile or a class of answers. */
const TERMS = /^(?:p(?:50|75|90|95|99|999)|[1-5]xx|http\/?[123]|utf8|ipv[46]|e[0-9]{1,3}|c[0-9]{1,2})$/i;

export interface Numbers {
  readonly quantities: readonly Quantity[];
  /** Times of day and dates, as they stand. */
  readonly clocks: readonly string[];
  /** Words with digits in them, lower-case. */
  readonly coded: readonly string[];
  /** Numbers in words without a value, lower-case. */
  readonly vague: readonly string[];
}

/** Pure: everything in a text that says how much, when or which by digits. */
export function numbersIn(text: string): Numbers {
  let rest = text.normalize("NFKC");
  const take = (pattern: RegExp): string[] => {
    const found: string[] = [];
    rest = rest.replace(pattern, (match) => {
      found.push(match);
      return " ";
    });
    return found;
  };
  const clocks = take(CLOCK);
  const coded = take(CODED).map((word) => word.toLowerCase());
  const quantities: Quantity[] = [];
  for (const match of rest.matchAll(NUMBER)) quantities.push(quantityOf(match[0].trim(), match[1] ?? "0", match[2]));
  const words = rest.toLowerCase().match(/[a-z]+/g) ?? [];
  for (const word of words) {
    const value = WORDS[word];
    if (value !== undefined) quantities.push({ text: word, value, slack: 0, dimension: "count" });
  }
  return {
    quantities,
    clocks,
    coded: coded.filter((word) => !TERMS.test(word)),
    vague: (rest.match(VAGUE) ?? []).map((word) => word.toLowerCase()),
  };
}

function quantityOf(text: string, digits: string, unit: string | undefined): Quantity {
  const plain = digits.replaceAll(",", "");
  const decimals = plain.split(".")[1]?.length ?? 0;
  const [dimension, scale] = UNITS[unit ?? ""] ?? UNITS[unit?.toLowerCase() ?? ""] ?? ["count", 1];
  return { text, value: Number(plain) * scale, slack: (0.5 * scale) / 10 ** decimals, dimension };
}

/** Can `said` be `known`, rounded? What is known may be written more or less exactly than what is said. */
export function isSameQuantity(said: Quantity, known: Quantity): boolean {
  if (said.dimension !== known.dimension && !areKin(said, known)) return false;
  // A trace above half the last digit, for what binary fractions do to 0.005.
  return Math.abs(said.value - known.value) <= said.slack * 1.000001 + Number.EPSILON;
}

/** A share is often written as a bare fraction, a factor as a bare number. */
function areKin(a: Quantity, b: Quantity): boolean {
  const pair = new Set([a.dimension, b.dimension]);
  if (!pair.has("count")) return false;
  if (pair.has("share")) return (a.dimension === "count" ? a : b).value <= 1;
  return pair.has("factor");
}
