// The alerts' own expressions, asked again over the whole window. A rule's expression comes from its alert's `generatorURL`, or from the server
// of rules; its comparison is taken off, so that it has a value before it fired, and its answer falls apart by its labels.
import type { Member, Series } from "@tocsin/contracts";
import type { RuleSeries } from "@tocsin/diagnosis";
import { AppError, messageOf } from "@tocsin/runtime";
import {
  type AlertExpression,
  type Answer,
  breakDown,
  exprOfGeneratorUrl,
  type MetricsPort,
  readAlertExpression,
  SERVICE_LABELS,
  type Window,
} from "@tocsin/signals";

/** Different expressions that are asked of one incident: those of its root first. */
const MAX_EXPRESSIONS = 24;
/** Series kept of one expression: those of members, then the others in the order of the answer. */
const MAX_SERIES = 40;
const AT_A_TIME = 4;

type Told = Pick<Member, "fingerprint" | "name" | "service" | "labels" | "generatorURL" | "role">;

export interface RuleQuestions {
  readonly metrics: Pick<MetricsPort, "queryRange" | "ruleExpressions">;
  readonly window: Window;
  readonly stepSeconds: number;
  readonly query: { readonly deadlineMs: number; readonly signal?: AbortSignal };
  /** Runs one question; what is missing from its answer is noted and an empty answer given. */
  readonly ask: <T>(source: string, call: () => Promise<Answer<T>>, empty: T, of?: string) => Promise<T>;
  /** Tells what is not there. It casts no doubt on the rest: an alert without an expression is how many come. */
  readonly tell: (text: string) => void;
}

/** Evaluates the expressions of the members over the window. What cannot be had is noted, and the rest goes on. */
export async function gatherRules(members: readonly Told[], questions: RuleQuestions): Promise<RuleSeries[]> {
  const { tell } = questions;
  const byExpr = new Map<string, Told[]>();
  for (const member of [...members].sort((a, b) => Number(b.role === "root") - Number(a.role === "root"))) {
    const expr = await expressionOf(member, questions);
    if (expr === undefined) tell(`alerts: no expression is known of the rule ${member.name}`);
    else byExpr.set(expr, [...(byExpr.get(expr) ?? []), member]);
  }
  const all = [...byExpr];
  if (all.length > MAX_EXPRESSIONS) tell(`alerts: only ${MAX_EXPRESSIONS} of ${all.length} different expressions were evaluated`);
  const found: RuleSeries[][] = [];
  let next = 0;
  const chosen = all.slice(0, MAX_EXPRESSIONS);
  const worker = async () => {
    for (let index = next++; index < chosen.length; index = next++) {
      const [expr, told] = chosen[index] as (typeof chosen)[number];
      found[index] = await evaluate(expr, told, questions);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return found.flat();
}

async function expressionOf(member: Told, { metrics, query, ask }: RuleQuestions): Promise<string | undefined> {
  const own = member.generatorURL === undefined ? undefined : exprOfGeneratorUrl(member.generatorURL);
  if (own !== undefined || metrics.ruleExpressions === undefined) return own;
  const rules = await ask(
    "metrics",
    async () => (await metrics.ruleExpressions?.(member.name, query)) ?? { value: [], partial: [] },
    [],
    member.name,
  );
  // Rules of one name differ by the labels that they add, as severities do.
  const fits = rules.filter(({ labels }) =>
    Object.entries(labels).every(([name, value]) => value.includes("{{") || member.labels[name] === value),
  );
  return (fits[0] ?? rules[0])?.expr;
}

async function evaluate(expr: string, members: readonly Told[], questions: RuleQuestions): Promise<RuleSeries[]> {
  const { metrics, window, stepSeconds, query, ask, tell } = questions;
  const names = [...new Set(members.map(({ name }) => name))].join(", ");
  let read: AlertExpression | undefined;
  try {
    read = readAlertExpression(expr);
  } catch (error) {
    // The server may know functions that we cannot take apart: then it is asked as it stands, and has a value only while it fires.
    const reason = AppError.is(error) ? `${error.code}: ${error.message}` : messageOf(error);
    tell(`alerts: the expression of ${names} could not be taken apart (${reason})`);
  }
  const asked = read ?? { query: expr, metrics: [] };
  const answer = await ask("metrics", () => metrics.queryRange(asked.query, window, stepSeconds, query), [] as readonly Series[], names);
  if (answer.length === 0) tell(`alerts: the expression of ${names} gives no series over the window`);
  const { name: alert } = members[0] as Told;
  const series = answer.map((one) => ({ one, member: memberOf(one, members) }));
  const found = [...series.filter(({ member }) => member), ...series.filter(({ member }) => !member)]
    .slice(0, MAX_SERIES)
    .map(({ one, member }): RuleSeries => {
      const service = member?.service ?? serviceOf(one.labels);
      return {
        ...measured(asked, one),
        alert: member?.name ?? alert,
        ...(member === undefined ? {} : { fingerprint: member.fingerprint }),
        ...(service === undefined ? {} : { service }),
      };
    });
  const namesNobody = members.every(({ service }) => service === undefined) && found.every(({ service }) => service === undefined);
  return read !== undefined && namesNobody ? [...found, ...(await partsOf(read, members, questions))] : found;
}

/** What a series of an expression's answer says, whoever it is of. */
const measured = ({ query, threshold, signal, metrics }: AlertExpression, { labels, samples }: Series) => ({
  ...(signal === undefined ? {} : { signal }),
  metrics,
  labels,
  query,
  ...(threshold === undefined ? {} : { threshold }),
  samples,
});

/** An expression that adds all services up, asked again by service: who is beyond its line by itself? */
async function partsOf(
  whole: AlertExpression,
  members: readonly Told[],
  { metrics, window, stepSeconds, query, ask, tell }: RuleQuestions,
): Promise<RuleSeries[]> {
  const broken = breakDown(whole.query, SERVICE_LABELS, whole.threshold);
  if (broken === undefined) return [];
  const { name } = members[0] as Told;
  const answer = await ask("metrics", () => metrics.queryRange(broken, window, stepSeconds, query), [] as readonly Series[], name);
  const found = answer.flatMap((one): RuleSeries[] => {
    const service = serviceOf(one.labels);
    const member = memberOf(one, members) ?? (members.length === 1 ? members[0] : undefined);
    if (service === undefined || member === undefined) return [];
    return [{ ...measured({ ...whole, query: broken }, one), alert: member.name, partOf: member.fingerprint, service }];
  });
  if (found.length > MAX_SERIES) tell(`alerts: only ${MAX_SERIES} of ${found.length} parts of the expression of ${name} were looked at`);
  return found.slice(0, MAX_SERIES);
}

/** Pure: the member that a series made fire: an alert has the labels of its series, and those that its rule adds. */
export function memberOf<M extends Pick<Member, "labels">>({ labels }: Pick<Series, "labels">, members: readonly M[]): M | undefined {
  const own = Object.entries(labels).filter(([name]) => name !== "__name__");
  let best: M | undefined;
  let most = -1;
  for (const member of members) {
    // A rule or a relabelling may have dropped a label; one that says something else is another series'.
    if (own.some(([name, value]) => member.labels[name] !== undefined && member.labels[name] !== value)) continue;
    const equal = own.filter(([name, value]) => member.labels[name] === value).length;
    if (equal === 0 && own.length > 0) continue;
    if (equal > most) {
      best = member;
      most = equal;
    }
  }
  return best;
}

const serviceOf = (labels: Readonly<Record<string, string>>): string | undefined => {
  const name = SERVICE_LABELS.find((label) => labels[label] !== undefined && labels[label] !== "");
  return name === undefined ? undefined : labels[name];
};
