// Terms. A *ticket* is the GitLab issue (type incident) of one of our incidents. A *marker* is how we know it again: a label to find it by
// and a comment in its text that proves it. What is created is looked for first, so that a lost answer makes nothing twice.
import { AppError, type Clock, type Logger, systemClock } from "@tocsin/runtime";
import * as z from "zod";
import { createMutate } from "./graphql.ts";
import { incidentMarker, markerLabel, noteMarker } from "./marker.ts";
import { createSend, type RequesterOptions } from "./requester.ts";

export type GitlabSeverity = "UNKNOWN" | "LOW" | "MEDIUM" | "HIGH" | "CRITICAL";
export type EscalationStatus = "TRIGGERED" | "ACKNOWLEDGED" | "RESOLVED" | "IGNORED";

const Issue = z.looseObject({
  id: z.number().int(),
  iid: z.number().int(),
  state: z.string(),
  web_url: z.string(),
  description: z.string().nullish(),
  assignees: z.array(z.unknown()).default([]),
});
const Note = z.looseObject({ id: z.number().int(), body: z.string() });
const User = z.looseObject({ id: z.number().int(), username: z.string() });
const Project = z.looseObject({ path_with_namespace: z.string() });

/** Where a ticket is. */
export interface TicketRef {
  /** In the project. */
  readonly iid: number;
  /** In the instance. */
  readonly issueId: number;
  readonly webUrl: string;
}

export interface NewTicket {
  readonly incidentId: string;
  readonly title: string;
  readonly description: string;
  readonly labels: readonly string[];
}

export interface TicketChange {
  readonly title?: string;
  /** Without the marker, which is added. */
  readonly description?: string;
  readonly addLabels?: readonly string[];
  readonly removeLabels?: readonly string[];
  readonly state?: "opened" | "closed";
}

/** Incidents in GitLab. Every method may throw what `errors.ts` names; each is safe to call again. */
export interface GitlabTickets {
  /** The incident's ticket: the one that is there, else a new one. */
  ensure(ticket: NewTicket): Promise<TicketRef & { readonly isNew: boolean }>;
  update(ticket: { readonly incidentId: string; readonly iid: number }, change: TicketChange): Promise<void>;
  /** Gives the ticket to a user, unless somebody has it already. @returns whether it did */
  assign(iid: number, userId: number): Promise<boolean>;
  /** Writes the note of this name: edits the one that is there, else adds it. @returns its id */
  writeNote(iid: number, name: string, body: string, noteId?: number): Promise<number>;
  setSeverity(iid: number, severity: GitlabSeverity): Promise<void>;
  setEscalationStatus(iid: number, status: EscalationStatus): Promise<void>;
  addTimelineEvent(issueId: number, event: { at: string; note: string; tags?: readonly string[] }): Promise<void>;
  /** The id of a user, or undefined when nobody has this name. */
  findUser(username: string): Promise<number | undefined>;
  /** Answers when GitLab does and knows the project. */
  ping(): Promise<void>;
}

export interface OpenGitlabOptions {
  /** e.g. `https://gitlab.example` */
  readonly url: string;
  /** A project or group access token with the scope `api` and the role Developer. */
  readonly token: string;
  /** Id or full path. */
  readonly project: string;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Default 15,000. */
  readonly timeoutMs?: number;
  readonly requester?: Partial<
    Pick<RequesterOptions, "attempts" | "maxWaitMs" | "notesPerMinute" | "requestsPerMinute" | "fetch" | "onTry" | "random">
  >;
}

/** Most pages looked through for a note of ours, of 100 each. */
const MAX_PAGES = 5;

/** Opens the client; nothing is asked of GitLab yet. */
export async function openGitlab(options: OpenGitlabOptions): Promise<GitlabTickets> {
  const { token, project, log, clock = systemClock, timeoutMs = 15_000, requester = {} } = options;
  const host = options.url.replace(/\/+$/, "");
  const send = createSend({
    clock,
    log,
    timeoutMs,
    maxWaitMs: 60_000,
    attempts: 4,
    requestsPerMinute: 300,
    notesPerMinute: 40,
    fetch: globalThis.fetch,
    ...requester,
  });
  // Loaded when a GitLab is configured: it costs 15 MB and a tenth of a second.
  const { Issues, IssueNotes, Users, Projects } = await import("@gitbeaker/rest");
  const { createGitbeakerRequester } = await import("./gitbeaker-requester.ts");
  const settings = { host, token, queryTimeout: null, requesterFn: createGitbeakerRequester(send) } as const;
  const issues = new Issues(settings);
  const notes = new IssueNotes(settings);
  const users = new Users(settings);
  const projects = new Projects(settings);
  const mutate = createMutate(send, `${host}/api/graphql`, { "private-token": token });
  let projectPath: Promise<string> | undefined;

  /** GraphQL wants the full path where REST takes an id too. */
  function pathOfProject(): Promise<string> {
    if (!/^\d+$/.test(project)) return Promise.resolve(project);
    projectPath ??= projects.show(project).then((answer) => Project.parse(answer).path_with_namespace);
    projectPath.catch(() => {
      projectPath = undefined; // asked again next time
    });
    return projectPath;
  }

  async function findTicket(incidentId: string): Promise<TicketRef | undefined> {
    const found = await issues.all({
      projectId: project,
      labels: markerLabel(incidentId),
      perPage: 20,
      page: 1,
      orderBy: "created_at",
      sort: "asc",
    });
    const ours = z
      .array(Issue)
      .parse(found)
      .find((issue) => issue.description?.includes(incidentMarker(incidentId)));
    return ours && refOf(ours);
  }

  async function findNote(iid: number, name: string): Promise<number | undefined> {
    for (let page = 1; page <= MAX_PAGES; page++) {
      const found = z.array(Note).parse(await notes.all(project, iid, { perPage: 100, page }));
      const ours = found.find(({ body }) => body.startsWith(noteMarker(name)));
      if (ours) return ours.id;
      if (found.length < 100) return undefined;
    }
    return undefined;
  }

  return {
    async ensure({ incidentId, title, description, labels }) {
      const found = await findTicket(incidentId);
      if (found) return { ...found, isNew: false };
      try {
        const created = await issues.create(project, title, {
          description: withMarker(incidentId, description),
          issueType: "incident",
          labels: [...new Set([...labels, markerLabel(incidentId)])].join(","),
        });
        return { ...refOf(Issue.parse(created)), isNew: true };
      } catch (error) {
        // The answer was lost: the issue may be there, and then it is ours.
        const made = AppError.is(error, "TICKETS_OUTCOME_UNKNOWN") ? await findTicket(incidentId) : undefined;
        if (made) return { ...made, isNew: true };
        throw error;
      }
    },
    async update({ incidentId, iid }, { title, description, addLabels, removeLabels, state }) {
      await issues.edit(project, iid, {
        ...(title === undefined ? {} : { title }),
        ...(description === undefined ? {} : { description: withMarker(incidentId, description) }),
        ...(addLabels === undefined || addLabels.length === 0 ? {} : { addLabels: addLabels.join(",") }),
        ...(removeLabels === undefined || removeLabels.length === 0 ? {} : { removeLabels: removeLabels.join(",") }),
        ...(state === undefined ? {} : { stateEvent: state === "closed" ? "close" : "reopen" }),
      });
    },
    async assign(iid, userId) {
      const { assignees } = Issue.parse(await issues.show(iid, { projectId: project }));
      if (assignees.length > 0) return false;
      await issues.edit(project, iid, { assigneeIds: [userId] });
      return true;
    },
    async writeNote(iid, name, body, noteId) {
      const text = `${noteMarker(name)}\n\n${body}`;
      const id = noteId ?? (await findNote(iid, name));
      if (id !== undefined) {
        try {
          await notes.edit(project, iid, id, { body: text });
          return id;
        } catch (error) {
          if (!AppError.is(error, "TICKETS_NOT_FOUND")) throw error; // somebody deleted it: write it anew
        }
      }
      try {
        return Note.parse(await notes.create(project, iid, text)).id;
      } catch (error) {
        const made = AppError.is(error, "TICKETS_OUTCOME_UNKNOWN") ? await findNote(iid, name) : undefined;
        if (made !== undefined) return made;
        throw error;
      }
    },
    async setSeverity(iid, severity) {
      await mutate("issueSetSeverity", { projectPath: await pathOfProject(), iid: String(iid), severity });
    },
    async setEscalationStatus(iid, status) {
      await mutate("issueSetEscalationStatus", { projectPath: await pathOfProject(), iid: String(iid), status });
    },
    async addTimelineEvent(issueId, { at, note, tags = [] }) {
      await mutate("timelineEventCreate", {
        incidentId: `gid://gitlab/Issue/${issueId}`,
        note,
        occurredAt: at,
        ...(tags.length === 0 ? {} : { timelineEventTagNames: tags }),
      });
    },
    async findUser(username) {
      const found = z.array(User).parse(await users.all({ username, perPage: 1, page: 1 }));
      return found.find((user) => user.username.toLowerCase() === username.toLowerCase())?.id;
    },
    async ping() {
      await projects.show(project);
    },
  };
}

const withMarker = (incidentId: string, description: string): string => `${incidentMarker(incidentId)}\n\n${description}`;

const refOf = (issue: z.output<typeof Issue>): TicketRef => ({ iid: issue.iid, issueId: issue.id, webUrl: issue.web_url });
