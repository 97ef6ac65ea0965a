// Terms. A *template* is what remains of a log line when its variable parts are masked: `order <num> failed: <id>`. The *signature* of
// a line is a hash over its masked text, made in one pass without allocation; lines of one signature are of one template, so nearly
// every line costs a pass and a map look-up. The *tree* (Drain: He et al., ICWS 2017) is asked only about signatures never seen before.

export interface TemplateMinerOptions {
  /** Share of equal tokens from which a line joins a template. Default 0.4; lines under six tokens need 0.5. */
  readonly similarity?: number;
  /** Levels of the tree, the one by length included. Default 3: length, then first token; deeper, a name as second token forks it. */
  readonly depth?: number;
  /** Most children of an inner node; further tokens share one child. Default 100. */
  readonly maxChildren?: number;
  /** Most templates; the least recently seen goes first. Default 5,000. */
  readonly maxTemplates?: number;
  /** Longer lines are cut, in UTF-16 units. Default 2,048. */
  readonly maxLength?: number;
  /** Further tokens are dropped. Default 128. */
  readonly maxTokens?: number;
}

/** A template of one miner. `text` may still grow more general; `id` never changes. */
export interface Template {
  readonly id: number;
  readonly text: string;
  /** Lines seen. */
  readonly count: number;
}

export interface TemplateMiner {
  /** Takes in one line. The same lines in the same order always give the same templates. */
  add(message: string): Template;
  /** In order of first sight. */
  templates(): readonly Template[];
}

const WILDCARD = "<*>";

interface Cluster {
  readonly id: number;
  readonly tokens: string[];
  text: string;
  count: number;
  seen: number;
  readonly leaf: Cluster[];
}

interface TreeNode {
  readonly children: Map<string, TreeNode>;
  readonly clusters: Cluster[];
}

const newNode = (): TreeNode => ({ children: new Map(), clusters: [] });

// Character classes: 0 separator, 1 letter, 2 digit, 3 joins a word (`_`, `-`, `.`), 4 white space.
const CLASS = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  if ((code >= 65 && code <= 90) || (code >= 97 && code <= 122)) CLASS[code] = 1;
  else if (code >= 48 && code <= 57) CLASS[code] = 2;
  else if (code === 95 || code === 45 || code === 46) CLASS[code] = 3;
  else if (code === 32 || (code >= 9 && code <= 13)) CLASS[code] = 4;
}
const classOf = (code: number): number => (code < 128 ? (CLASS[code] as number) : 1);

/** A word is an identifier, not a name with a number, when digits turn into letters at least twice, or once in a long word. */
const isIdentifier = (turns: number, length: number): boolean => turns >= 2 || (turns === 1 && length >= 8);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const HEX = /^(0x)?[0-9a-f]{8,}$/i;
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const nameOfIdentifier = (word: string): string => (UUID.test(word) ? "<uuid>" : HEX.test(word) ? "<hex>" : "<id>");

/** Times of day and dates, of which one statement writes now the one and now both, as they look once their numbers are masked. */
const TIME = new RegExp(
  [
    "(?<![\\w>-])<num>[-/]<num>[-/]<num>(?:[T ,]+<num>:<num>(?::<num>)?)?",
    "<id>:<num>:<num>Z?", // 2026-01-30T17:38:46Z
    "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:[A-Z][a-z]{2} <num>|<num> [A-Z][a-z]{2})(?:,? <num>)?(?:,? <num>:<num>:<num>)(?: [A-Z]{3,4})?(?: <num>)?",
    "(?<![\\w>:])<num>:<num>:<num>(?![:\\w])",
  ].join("|"),
  "g",
);
/** An enumeration: how many it holds differs from line to line. */
const LIST = /\[[^[\]]*,[^[\]]*\]/g;

/** Pure: what varies in length within one statement's lines, as one mark each. */
function collapsed(masked: string): string {
  let text =
    masked.includes("<num>:<num>") || masked.includes("<num>-<num>-") || masked.includes("<num>/<num>/")
      ? masked.replace(TIME, "<time>")
      : masked;
  // From the innermost out; deeper nesting than this is rare and only keeps its outer brackets.
  for (let level = 0; level < 3 && text.includes("[") && text.includes(","); level++) {
    const shorter = text.replace(LIST, "<list>");
    if (shorter === text) break;
    text = shorter;
  }
  return text;
}

/**
 * The masked text of a line: numbers become `<num>`, identifiers `<uuid>`, `<hex>`, `<ip>` or `<id>`, dates and times `<time>`, enumerations
 * in brackets `<list>`; everything else stays. What is safe to show to a model of a text that anybody may have written.
 */
export function maskLine(message: string, maxLength = 2_048): string {
  const end = Math.min(message.length, maxLength);
  let out = "";
  let at = 0;
  while (at < end) {
    const kind = classOf(message.charCodeAt(at));
    if (kind === 0 || kind === 4) {
      out += message[at];
      at++;
      continue;
    }
    const start = at;
    let digits = 0;
    let turns = 0;
    let previous = 0;
    while (at < end) {
      const next = classOf(message.charCodeAt(at));
      if (next === 0 || next === 4) break;
      if (next === 2) digits++;
      if (next === 1 && previous === 2) turns++;
      previous = next;
      at++;
    }
    const word = message.slice(start, at);
    if (digits === 0) out += HEX.test(word) ? "<hex>" : word;
    else if (isIdentifier(turns, at - start)) out += nameOfIdentifier(word);
    else if (IPV4.test(word)) out += "<ip>";
    else if (HEX.test(word) && /[a-f]/i.test(word)) out += "<hex>";
    else out += word.replace(/\d+(\.\d+)*/g, "<num>");
  }
  return collapsed(out);
}

/** `key` of a `key=value` token, with the `=`; empty when it is none. */
const keyOf = (token: string): string => token.slice(0, token.indexOf("=") + 1);
/** One statement writes its keys in one order, so that equal keys in one place are equal tokens whatever their values. */
const isAlike = (a: string, b: string): boolean => {
  if (a === b) return true;
  const key = keyOf(a);
  return key.length > 1 && key === keyOf(b);
};

/** Makes an empty miner. Memory is bounded by `maxTemplates` and a signature cache of eight times that. */
export function createTemplateMiner(options: TemplateMinerOptions = {}): TemplateMiner {
  const { similarity = 0.4, depth = 3, maxChildren = 100, maxTemplates = 5_000, maxLength = 2_048, maxTokens = 128 } = options;
  const root = newNode();
  const clusters = new Map<number, Cluster>();
  const bySignature = new Map<number, Cluster>();
  let nextId = 1;
  let clock = 0;

  /** 53 bits over the masked text: two 32-bit hashes, each word either with its digit runs collapsed or as one mark. */
  function signatureOf(message: string): number {
    const end = Math.min(message.length, maxLength);
    let a = 0x811c9dc5;
    let b = 0x9747b28c;
    let wordA = a;
    let wordB = b;
    let wordStart = -1;
    let turns = 0;
    let previous = 4;
    for (let at = 0; at <= end; at++) {
      const code = at < end ? message.charCodeAt(at) : 32;
      const kind = code < 128 ? (CLASS[code] as number) : 1;
      if (kind === 0 || kind === 4) {
        if (wordStart >= 0) {
          if (turns > 0 && isIdentifier(turns, at - wordStart)) {
            a = Math.imul(wordA ^ 0x1f3, 0x01000193);
            b = Math.imul(wordB ^ 0x2a7, 0x85ebca6b);
          }
          wordStart = -1;
        }
        if (kind === 0 || previous !== 4) {
          const mark = kind === 4 ? 32 : code;
          a = Math.imul(a ^ mark, 0x01000193);
          b = Math.imul(b ^ mark, 0x85ebca6b);
          b ^= b >>> 15;
        }
      } else {
        if (wordStart < 0) {
          wordStart = at;
          wordA = a;
          wordB = b;
          turns = 0;
        }
        if (kind === 2) {
          if (previous !== 2) {
            a = Math.imul(a ^ 0x123, 0x01000193);
            b = Math.imul(b ^ 0x123, 0x85ebca6b);
          }
        } else {
          if (kind === 1 && previous === 2) turns++;
          a = Math.imul(a ^ code, 0x01000193);
          b = Math.imul(b ^ code, 0x85ebca6b);
          b ^= b >>> 15;
        }
      }
      previous = kind;
    }
    return (a >>> 0) * 0x200000 + ((b >>> 0) & 0x1fffff);
  }

  /** The leaf of a token list: by length, then by the first tokens, digits and wildcards sharing one child. */
  function leafOf(tokens: readonly string[]): TreeNode {
    let node = child(root, String(tokens.length));
    for (let level = 0; level < depth - 2 && level < tokens.length; level++) {
      const token = tokens[level] as string;
      node = child(node, token.includes("<") ? WILDCARD : token);
    }
    return node;
  }

  function child(node: TreeNode, token: string): TreeNode {
    const key = node.children.has(token) || node.children.size < maxChildren ? token : WILDCARD;
    let found = node.children.get(key);
    if (!found) {
      found = newNode();
      node.children.set(key, found);
    }
    return found;
  }

  function place(message: string): Cluster {
    const tokens = maskLine(message, maxLength).trim().split(/\s+/, maxTokens);
    const leaf = leafOf(tokens).clusters;
    const needed = tokens.length < 6 ? Math.max(similarity, 0.5) : similarity;
    let best: Cluster | undefined;
    let bestEqual = -1;
    for (const cluster of leaf) {
      let equal = 0;
      for (let i = 0; i < tokens.length; i++) if (isAlike(cluster.tokens[i] as string, tokens[i] as string)) equal++;
      if (equal > bestEqual) {
        best = cluster;
        bestEqual = equal;
      }
    }
    if (best && bestEqual / tokens.length >= needed) {
      let changed = false;
      for (let i = 0; i < tokens.length; i++) {
        const [known, given] = [best.tokens[i] as string, tokens[i] as string];
        if (known === given || known === WILDCARD) continue;
        const general = isAlike(known, given) ? `${keyOf(known)}${WILDCARD}` : WILDCARD;
        if (general === known) continue;
        best.tokens[i] = general;
        changed = true;
      }
      if (changed) best.text = best.tokens.join(" ");
      return best;
    }
    const made: Cluster = { id: nextId++, tokens, text: tokens.join(" "), count: 0, seen: clock, leaf };
    leaf.push(made);
    clusters.set(made.id, made);
    if (clusters.size > maxTemplates) forgetOldest();
    return made;
  }

  /** Drops the least recently seen tenth at once, so that the scan is paid rarely. */
  function forgetOldest(): void {
    const oldest = [...clusters.values()].sort((x, y) => x.seen - y.seen || x.id - y.id).slice(0, Math.ceil(maxTemplates / 10));
    for (const cluster of oldest) {
      clusters.delete(cluster.id);
      cluster.leaf.splice(cluster.leaf.indexOf(cluster), 1);
    }
    bySignature.clear();
  }

  return {
    add(message) {
      clock++;
      const signature = signatureOf(message);
      let cluster = bySignature.get(signature);
      if (cluster === undefined) {
        cluster = place(message);
        if (bySignature.size >= maxTemplates * 8) bySignature.clear();
        bySignature.set(signature, cluster);
      }
      cluster.count++;
      cluster.seen = clock;
      return cluster;
    },
    templates: () => [...clusters.values()],
  };
}
