import type { GitlabIssue, Issues } from "./issues.ts";

type Input = Readonly<Record<string, unknown>>;
type Payload = Readonly<Record<string, unknown>> & { readonly errors: readonly string[] };

const SEVERITIES = ["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"];
const STATUSES = ["TRIGGERED", "ACKNOWLEDGED", "RESOLVED", "IGNORED"];

/**
 * Answers one mutation, written as `mutation ($input: …) { name(input: $input) { … } }`. As in GitLab, a fault of the request is in
 * the top-level `errors`, a refusal in the payload's, and HTTP says 200 to both.
 */
export function answerGraphql(issues: Issues, projectPath: string, body: unknown): object {
  const { query, variables } = (body ?? {}) as { query?: unknown; variables?: { input?: Input } };
  const name = typeof query === "string" ? /\{\s*(\w+)\s*\(\s*input:\s*\$input\s*\)/.exec(query)?.[1] : undefined;
  const input = variables?.input;
  const mutation = name === undefined ? undefined : MUTATIONS[name];
  if (name === undefined || mutation === undefined || input === undefined)
    return { errors: [{ message: `Field '${name ?? "?"}' doesn't exist on type 'Mutation'` }] };
  const payload = mutation(issues, input, projectPath);
  return typeof payload === "string" ? { data: { [name]: null }, errors: [{ message: payload }] } : { data: { [name]: payload } };
}

const MUTATIONS: Readonly<Record<string, (issues: Issues, input: Input, projectPath: string) => Payload | string>> = {
  issueSetSeverity: (issues, input, projectPath) =>
    withIssue(issues, input, projectPath, (issue) => {
      if (!SEVERITIES.includes(String(input["severity"]))) return `invalid value for severity`;
      issue.severity = input["severity"] as GitlabIssue["severity"];
      return { issue: { iid: String(issue.iid), severity: issue.severity }, errors: [] };
    }),
  issueSetEscalationStatus: (issues, input, projectPath) =>
    withIssue(issues, input, projectPath, (issue) => {
      if (issue.issueType !== "incident") return { issue: null, errors: ["Feature unavailable for this issue type"] };
      if (!STATUSES.includes(String(input["status"]))) return `invalid value for status`;
      issue.escalationStatus = input["status"] as GitlabIssue["escalationStatus"];
      return { issue: { iid: String(issue.iid), escalationStatus: issue.escalationStatus }, errors: [] };
    }),
  timelineEventCreate: (issues, input) => {
    const id = /^gid:\/\/gitlab\/Issue\/(\d+)$/.exec(String(input["incidentId"]))?.[1];
    const issue = id === undefined ? undefined : issues.findById(Number(id));
    if (issue === undefined) return NOT_FOUND;
    if (issue.issueType !== "incident") return { timelineEvent: null, errors: ["Issue must be an incident"] };
    const note = String(input["note"] ?? "");
    const occurredAt = String(input["occurredAt"] ?? "");
    if (note === "" || Number.isNaN(Date.parse(occurredAt))) return { timelineEvent: null, errors: ["Note can't be blank"] };
    const event = issues.addTimelineEvent(issue, note, occurredAt, (input["timelineEventTagNames"] as string[] | undefined) ?? []);
    return { timelineEvent: { id: `gid://gitlab/IncidentManagement::TimelineEvent/${event}`, note, occurredAt }, errors: [] };
  },
};

const NOT_FOUND = "The resource that you are attempting to access does not exist or you don't have permission to perform this action";

function withIssue(issues: Issues, input: Input, projectPath: string, act: (issue: GitlabIssue) => Payload | string): Payload | string {
  // `iid` is a string here, unlike in REST.
  const issue = input["projectPath"] === projectPath && typeof input["iid"] === "string" ? issues.find(Number(input["iid"])) : undefined;
  return issue === undefined ? NOT_FOUND : act(issue);
}
