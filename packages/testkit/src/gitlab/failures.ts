/** What a scripted request meets instead of an answer, or after GitLab has done its work. */
export type Failure =
  | { readonly kind: "rate-limited"; readonly retryAfterSeconds?: number }
  /** GitLab has done what was asked; the proxy in front of it lost the answer. */
  | { readonly kind: "done-then-502" }
  | { readonly kind: "status"; readonly status: number; readonly body?: unknown }
  /** The connection stays open and nothing comes. */
  | { readonly kind: "silence" }
  /** The connection breaks, before or after GitLab has done its work. */
  | { readonly kind: "reset"; readonly after: "nothing" | "done" };

export interface Script {
  readonly failure: Failure;
  /** Default: every request. */
  readonly method?: string;
  readonly path?: RegExp;
  /** How many matching requests it meets. Default 1. */
  readonly times?: number;
}

export interface Failures {
  add(script: Script): void;
  /** The failure for this request, which is thereby used up. */
  take(method: string, path: string): Failure | undefined;
  clear(): void;
  readonly pending: number;
}

export function createFailures(): Failures {
  let scripts: (Script & { left: number })[] = [];
  return {
    add(script) {
      scripts.push({ ...script, left: script.times ?? 1 });
    },
    take(method, path) {
      const script = scripts.find((one) => (one.method ?? method) === method && (one.path?.test(path) ?? true));
      if (script === undefined) return undefined;
      script.left--;
      scripts = scripts.filter(({ left }) => left > 0);
      return script.failure;
    },
    clear() {
      scripts = [];
    },
    get pending() {
      return scripts.length;
    },
  };
}
