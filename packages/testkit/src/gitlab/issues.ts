import { type QuickAction, readQuickActions, readReferences } from "./quick-actions.ts";

export interface GitlabUser {
  readonly id: number;
  readonly username: string;
}

export interface GitlabNote {
  readonly id: number;
  body: string;
  internal: boolean;
  /** How often it was written, the first time included. */
  writes: number;
}

export interface GitlabIssue {
  /** Unique in the instance; `iid` in the project. */
  readonly id: number;
  readonly iid: number;
  title: string;
  description: string;
  issueType: string;
  state: "opened" | "closed";
  labels: string[];
  severity: "UNKNOWN" | "LOW" | "MEDIUM" | "HIGH" | "CRITICAL";
  escalationStatus: "TRIGGERED" | "ACKNOWLEDGED" | "RESOLVED" | "IGNORED";
  confidential: boolean;
  assignees: GitlabUser[];
  readonly notes: GitlabNote[];
  readonly timeline: { id: number; note: string; occurredAt: string; tags: string[] }[];
  readonly links: number[];
  readonly createdAt: string;
  updatedAt: string;
}

export interface IssueChange {
  title?: string;
  description?: string;
  issue_type?: string;
  labels?: string;
  add_labels?: string;
  remove_labels?: string;
  assignee_ids?: number[];
  confidential?: boolean;
  state_event?: "close" | "reopen";
}

/** What the text that was written has done besides being text. */
export interface Effects {
  readonly actions: QuickAction[];
  readonly mentions: string[];
  readonly references: string[];
}

const list = (labels: string | undefined): string[] => (labels ?? "").split(",").flatMap((label) => label.trim() || []);

/** The issues of one project, as GitLab changes them. */
export function createIssues(users: readonly GitlabUser[]) {
  const issues: GitlabIssue[] = [];
  const effects: Effects = { actions: [], mentions: [], references: [] };
  let nextId = 4_000; // ids are of the whole instance, and never the iid by accident

  const touch = (issue: GitlabIssue) => {
    issue.updatedAt = new Date().toISOString();
  };

  /** Keeps the text and does what it says. */
  function write(issue: GitlabIssue, text: string): string {
    const { kept, actions } = readQuickActions(text);
    const { mentions, references } = readReferences(kept);
    effects.mentions.push(...mentions);
    effects.references.push(...references);
    for (const action of actions) {
      effects.actions.push(action);
      act(issue, action);
    }
    return kept;
  }

  function act(issue: GitlabIssue, { command, argument }: QuickAction): void {
    const names = [...argument.matchAll(/~("[^"]+"|[\w:.-]+)/g)].map((match) => (match[1] as string).replaceAll('"', ""));
    switch (command) {
      case "close":
        issue.state = "closed";
        break;
      case "reopen":
        issue.state = "opened";
        break;
      case "label":
        issue.labels = [...new Set([...issue.labels, ...names])];
        break;
      case "unlabel":
        issue.labels = names.length === 0 ? [] : issue.labels.filter((label) => !names.includes(label));
        break;
      case "relabel":
        issue.labels = names;
        break;
      case "title":
        issue.title = argument;
        break;
      case "confidential":
        issue.confidential = true;
        break;
      case "severity":
        issue.severity = argument.toUpperCase() as GitlabIssue["severity"];
        break;
      case "unassign":
        issue.assignees = [];
        break;
      case "assign":
        issue.assignees = users.filter(({ username }) => argument.includes(`@${username}`));
        break;
      default: // recorded; what it does is not modelled
    }
  }

  function change(issue: GitlabIssue, wanted: IssueChange): void {
    if (wanted.title !== undefined) issue.title = wanted.title;
    if (wanted.labels !== undefined) issue.labels = list(wanted.labels);
    if (wanted.add_labels !== undefined) issue.labels = [...new Set([...issue.labels, ...list(wanted.add_labels)])];
    if (wanted.remove_labels !== undefined) issue.labels = issue.labels.filter((label) => !list(wanted.remove_labels).includes(label));
    if (wanted.assignee_ids !== undefined) issue.assignees = users.filter(({ id }) => wanted.assignee_ids?.includes(id));
    if (wanted.confidential !== undefined) issue.confidential = wanted.confidential;
    if (wanted.state_event !== undefined) issue.state = wanted.state_event === "close" ? "closed" : "opened";
    if (wanted.description !== undefined) issue.description = write(issue, wanted.description);
    touch(issue);
  }

  return {
    issues,
    effects,
    find: (iid: number) => issues.find((issue) => issue.iid === iid),
    findById: (id: number) => issues.find((issue) => issue.id === id),
    change,
    create(wanted: IssueChange): GitlabIssue {
      const now = new Date().toISOString();
      const issue: GitlabIssue = {
        id: nextId++,
        iid: issues.length + 1,
        title: "",
        description: "",
        issueType: wanted.issue_type ?? "issue",
        state: "opened",
        labels: [],
        severity: "UNKNOWN",
        escalationStatus: "TRIGGERED",
        confidential: false,
        assignees: [],
        notes: [],
        timeline: [],
        links: [],
        createdAt: now,
        updatedAt: now,
      };
      issues.push(issue);
      change(issue, wanted);
      return issue;
    },
    addNote(issue: GitlabIssue, body: string, internal: boolean): GitlabNote {
      const note: GitlabNote = { id: nextId++, body: "", internal, writes: 1 };
      issue.notes.push(note);
      note.body = write(issue, body);
      touch(issue);
      return note;
    },
    editNote(issue: GitlabIssue, note: GitlabNote, body: string): void {
      note.body = write(issue, body);
      note.writes++;
      touch(issue);
    },
    addTimelineEvent(issue: GitlabIssue, note: string, occurredAt: string, tags: string[]): number {
      const id = nextId++;
      issue.timeline.push({ id, note: write(issue, note), occurredAt, tags });
      return id;
    },
  };
}
export type Issues = ReturnType<typeof createIssues>;
