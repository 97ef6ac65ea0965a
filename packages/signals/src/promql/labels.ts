// A label set in the form the evaluator works on: names sorted, one text key, so that equal sets can be found by key.
import type { LabelSet } from "@tocsin/contracts";

export const METRIC_NAME = "__name__";

/** An immutable label set; empty values are left out, as in Prometheus an empty label is no label. */
export class Labels {
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** Equal for equal sets. */
  readonly key: string;

  private constructor(names: readonly string[], values: readonly string[]) {
    this.names = names;
    this.values = values;
    let key = "";
    for (let i = 0; i < names.length; i++) key += `${names[i]}\u0001${values[i]}\u0002`;
    this.key = key;
  }

  static readonly EMPTY = new Labels([], []);

  static of(set: LabelSet): Labels {
    return Labels.fromPairs(Object.entries(set));
  }

  /** A later pair with the same name wins. */
  static fromPairs(pairs: Iterable<readonly [string, string]>): Labels {
    const set = new Map<string, string>();
    for (const [name, value] of pairs) {
      if (value === "") set.delete(name);
      else set.set(name, value);
    }
    const names = [...set.keys()].sort();
    return new Labels(
      names,
      names.map((name) => set.get(name) ?? ""),
    );
  }

  /** The value, or `""` when there is none. */
  get(name: string): string {
    const index = this.names.indexOf(name);
    return index < 0 ? "" : (this.values[index] ?? "");
  }

  *pairs(): Generator<readonly [string, string]> {
    for (let i = 0; i < this.names.length; i++) yield [this.names[i] ?? "", this.values[i] ?? ""];
  }

  filter(keep: (name: string) => boolean): Labels {
    const names: string[] = [];
    const values: string[] = [];
    for (let i = 0; i < this.names.length; i++) {
      const name = this.names[i] ?? "";
      if (!keep(name)) continue;
      names.push(name);
      values.push(this.values[i] ?? "");
    }
    return names.length === this.names.length ? this : new Labels(names, values);
  }

  /** With these set (or removed, when the value is empty). */
  with(changes: Iterable<readonly [string, string]>): Labels {
    const pairs = [...this.pairs(), ...changes];
    return Labels.fromPairs(pairs);
  }

  toSet(): LabelSet {
    return Object.fromEntries(this.pairs());
  }
}

/** Label operations of one evaluation, remembered: the same series is grouped at every step of a range query. */
export class LabelBook {
  private readonly interned = new Map<string, Labels>();
  private readonly memos = new Map<string, Map<Labels, Labels>>();

  /** One object for equal sets, so that sets can be compared and mapped by identity. */
  intern(labels: Labels): Labels {
    const known = this.interned.get(labels.key);
    if (known) return known;
    this.interned.set(labels.key, labels);
    return labels;
  }

  /** @param operation names `derive`; equal names must derive equally */
  derive(labels: Labels, operation: string, derive: (labels: Labels) => Labels): Labels {
    let memo = this.memos.get(operation);
    if (!memo) {
      memo = new Map();
      this.memos.set(operation, memo);
    }
    let derived = memo.get(labels);
    if (!derived) {
      derived = this.intern(derive(labels));
      memo.set(labels, derived);
    }
    return derived;
  }

  dropName(labels: Labels): Labels {
    return this.derive(labels, "-name", (l) => l.filter((name) => name !== METRIC_NAME));
  }

  keep(labels: Labels, names: readonly string[]): Labels {
    return this.derive(labels, `keep ${names.join(",")}`, (l) => l.filter((name) => names.includes(name)));
  }

  /** Without these and without the metric's name. */
  drop(labels: Labels, names: readonly string[]): Labels {
    return this.derive(labels, `drop ${names.join(",")}`, (l) => l.filter((name) => name !== METRIC_NAME && !names.includes(name)));
  }
}
