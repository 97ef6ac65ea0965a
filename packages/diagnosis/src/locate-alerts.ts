import { listed } from "./figures.ts";
import type { DiagnosisInput } from "./input.ts";
import { findRuleCrossings, type RuleFinding } from "./rule-evidence.ts";

/** Services that one alert may stand for. More than these at once are no place. */
const MAX_PLACES = 8;
/** A part that was beyond the line for most of the time before as well did not make the alert fire now. */
const NEW = 0.5;

/**
 * Pure: an alert whose expression adds all services up names none. Where its parts are known, it stands for those services that are beyond its
 * line by themselves, and says so; an alert that names its service is left as it is.
 */
export function locateAlerts(input: DiagnosisInput): { readonly input: DiagnosisInput; readonly located: readonly string[] } {
  const parts = (input.rules ?? []).filter(({ partOf }) => partOf !== undefined);
  if (parts.length === 0) return { input, located: [] };
  const crossings = findRuleCrossings(parts, input.window).filter(({ chronic }) => chronic < NEW);
  const located: string[] = [];
  const members = input.members.flatMap((member) => {
    if (member.service !== undefined) return [member];
    const places = strongest(crossings.filter(({ rule }) => rule.partOf === member.fingerprint));
    if (places.length === 0) return [member];
    located.push(`alerts: ${member.name} names no service; taken by service, its expression is beyond its line on ${listed(places)}`);
    return places.map((service) => ({ ...member, service }));
  });
  return { input: { ...input, members }, located };
}

function strongest(crossings: readonly RuleFinding[]): string[] {
  const byService = new Map<string, number>();
  for (const { rule, strength } of crossings)
    if (rule.service !== undefined) byService.set(rule.service, Math.max(strength, byService.get(rule.service) ?? 0));
  return [...byService]
    .toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, MAX_PLACES)
    .map(([service]) => service);
}
