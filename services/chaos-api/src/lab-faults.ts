import { FaultView } from "@tocsin/contracts";
import { AppError, messageOf } from "@tocsin/runtime";
import * as z from "zod";
import { injectionFailed, labUnavailable } from "./errors.ts";

/** What the lab can break, and how to break and mend it. Every call throws `CHAOS_LAB_UNAVAILABLE` when the lab is away. */
export interface LabFaults {
  list(): Promise<readonly FaultView[]>;
  /** @throws AppError `CHAOS_INJECTION_CONFLICT` when the lab refuses */
  inject(target: string, fault: string, seconds: number): Promise<void>;
  clear(target: string): Promise<void>;
}

const DEADLINE_MS = 15_000;

export function labFaults(baseUrl: string): LabFaults {
  const base = baseUrl.replace(/\/+$/, "");
  const call = async (
    method: "GET" | "POST" | "DELETE",
    path: string,
    body?: object,
  ): Promise<{ ok: boolean; status: number; body: unknown }> => {
    try {
      const response = await fetch(base + path, {
        method,
        signal: AbortSignal.timeout(DEADLINE_MS),
        ...(body ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {}),
      });
      const answer = { ok: response.ok, status: response.status, body: (await response.json()) as unknown };
      if (response.status >= 500) throw labUnavailable(base, `it answered ${response.status}`);
      return answer;
    } catch (error) {
      throw AppError.is(error) ? error : labUnavailable(base, messageOf(error), error);
    }
  };
  const faultsOf = (target: string) => `/v1/services/${encodeURIComponent(target)}/faults`;

  return {
    async list() {
      const { body } = await call("GET", "/v1/faults");
      const parsed = z.object({ items: z.array(FaultView) }).safeParse(body);
      if (!parsed.success) throw labUnavailable(base, "its list of faults is not understood");
      return parsed.data.items;
    },
    async inject(target, fault, seconds) {
      const { ok, status, body } = await call("POST", faultsOf(target), { fault, seconds });
      if (!ok) throw injectionFailed(fault, target, (body as { detail?: string } | null)?.detail ?? `it answered ${status}`);
    },
    async clear(target) {
      await call("DELETE", faultsOf(target));
    },
  };
}
