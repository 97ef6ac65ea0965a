import { type EffectiveConfig, variableOf } from "@tocsin/host";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { SettingsView } from "../views.ts";

/** Pure: the effective configuration as a person reads it, under the names it is set by. */
export function settingsOf({ host, modules }: EffectiveConfig) {
  const group = (name: string, module: string | undefined, slice: unknown) => ({
    name,
    settings: Object.entries((slice ?? {}) as Record<string, unknown>).map(([key, value]) => ({
      variable: variableOf(module, key),
      value: value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value),
    })),
  });
  return [group("process", undefined, host), ...Object.entries(modules).map(([name, slice]) => group(name, name, slice))].filter(
    ({ settings }) => settings.length > 0,
  );
}

/** What the process runs with. `/readyz` tells whether what it is connected to answers. */
export const settingsRoutes =
  (config: EffectiveConfig, version: string): FastifyPluginAsync =>
  async (fastify) => {
    fastify
      .withTypeProvider<ZodTypeProvider>()
      .get(
        "/settings",
        { schema: { summary: "The effective configuration, secrets taken out", tags: ["settings"], response: { 200: SettingsView } } },
        async () => ({ version, groups: settingsOf(config) }),
      );
  };
