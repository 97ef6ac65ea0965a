import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import type { GitlabIssue, GitlabNote, GitlabUser, IssueChange, Issues } from "./issues.ts";

export interface RestOptions {
  readonly project: Issues;
  readonly projectId: number;
  readonly projectPath: string;
  readonly users: readonly GitlabUser[];
  /** Known once it listens. */
  readonly url: () => string;
}

/** `/api/v4`: users, the project, its issues with their notes and links. Pages, statuses and error bodies are GitLab's. */
export const restRoutes =
  ({ project, projectId, projectPath, users, url }: RestOptions): FastifyPluginAsync =>
  async (api) => {
    const shown = (issue: GitlabIssue) => ({
      id: issue.id,
      iid: issue.iid,
      project_id: projectId,
      title: issue.title,
      description: issue.description,
      state: issue.state,
      issue_type: issue.issueType,
      labels: issue.labels,
      severity: issue.severity,
      confidential: issue.confidential,
      assignees: issue.assignees,
      author: users[0],
      web_url: `${url()}/${projectPath}/-/issues/${issue.iid}`,
      created_at: issue.createdAt,
      updated_at: issue.updatedAt,
    });
    const shownNote = (issue: GitlabIssue, note: GitlabNote) => ({
      id: note.id,
      body: note.body,
      internal: note.internal,
      system: false,
      author: users[0],
      noteable_iid: issue.iid,
      noteable_type: "Issue",
    });
    const page = <T>(request: FastifyRequest, reply: FastifyReply, items: readonly T[]): readonly T[] => {
      const query = request.query as Record<string, string>;
      const perPage = Math.min(Number(query["per_page"] ?? 20), 100);
      const number = Number(query["page"] ?? 1);
      const last = Math.max(1, Math.ceil(items.length / perPage));
      reply.headers({
        "x-page": String(number),
        "x-per-page": String(perPage),
        "x-total": String(items.length),
        "x-total-pages": String(last),
        "x-next-page": number < last ? String(number + 1) : "",
      });
      return items.slice((number - 1) * perPage, number * perPage);
    };

    type Params = { id: string; iid?: string; note?: string };
    const notFound = (reply: FastifyReply, what: string) => reply.code(404).send({ message: `404 ${what} Not Found` });
    const isProject = (id: string) => id === String(projectId) || id === projectPath;
    const issueOf = (request: FastifyRequest): GitlabIssue | undefined => {
      const { id, iid } = request.params as Params;
      return isProject(id) ? project.find(Number(iid)) : undefined;
    };

    api.get("/user", async () => users[0]);
    api.get("/users", async (request) => {
      const { username } = request.query as { username?: string };
      return users.filter((user) => username === undefined || user.username === username.toLowerCase());
    });
    api.get("/projects/:id", async (request, reply) =>
      isProject((request.params as Params).id)
        ? { id: projectId, path_with_namespace: projectPath, web_url: `${url()}/${projectPath}` }
        : notFound(reply, "Project"),
    );
    api.post("/projects/:id/issues", async (request, reply) => {
      if (!isProject((request.params as Params).id)) return notFound(reply, "Project");
      const body = (request.body ?? {}) as IssueChange;
      if (!body.title) return reply.code(400).send({ error: "title is missing" });
      if (body.title.length > 255) return reply.code(400).send({ message: { title: ["is too long (maximum is 255 characters)"] } });
      if ((body.description?.length ?? 0) > 1_048_576) return reply.code(400).send({ message: { description: ["is too long"] } });
      return reply.code(201).send(shown(project.create(body)));
    });
    api.get("/projects/:id/issues", async (request, reply) => {
      if (!isProject((request.params as Params).id)) return notFound(reply, "Project");
      const query = request.query as Record<string, string>;
      const labels = (query["labels"] ?? "").split(",").filter((label) => label !== "");
      const matching = project.issues.filter(
        (issue) =>
          labels.every((label) => issue.labels.includes(label)) &&
          (query["state"] === undefined || query["state"] === "all" || query["state"] === issue.state) &&
          (query["issue_type"] === undefined || query["issue_type"] === issue.issueType) &&
          (query["search"] === undefined || `${issue.title}\n${issue.description}`.includes(query["search"])),
      );
      return page(request, reply, matching.toReversed().map(shown));
    });
    api.get("/projects/:id/issues/:iid", async (request, reply) => {
      const issue = issueOf(request);
      return issue === undefined ? notFound(reply, "Issue") : shown(issue);
    });
    api.put("/projects/:id/issues/:iid", async (request, reply) => {
      const issue = issueOf(request);
      if (issue === undefined) return notFound(reply, "Issue");
      project.change(issue, (request.body ?? {}) as IssueChange);
      return shown(issue);
    });
    api.get("/projects/:id/issues/:iid/notes", async (request, reply) => {
      const issue = issueOf(request);
      return issue === undefined
        ? notFound(reply, "Issue")
        : page(
            request,
            reply,
            issue.notes.toReversed().map((note) => shownNote(issue, note)),
          );
    });
    api.post("/projects/:id/issues/:iid/notes", async (request, reply) => {
      const issue = issueOf(request);
      if (issue === undefined) return notFound(reply, "Issue");
      const { body, internal = false } = (request.body ?? {}) as { body?: string; internal?: boolean };
      if (!body) return reply.code(400).send({ error: "body is missing" });
      return reply.code(201).send(shownNote(issue, project.addNote(issue, body, internal)));
    });
    api.put("/projects/:id/issues/:iid/notes/:note", async (request, reply) => {
      const issue = issueOf(request);
      const note = issue?.notes.find(({ id }) => id === Number((request.params as Params).note));
      if (issue === undefined || note === undefined) return notFound(reply, "Note");
      project.editNote(issue, note, String((request.body as { body?: string }).body ?? ""));
      return shownNote(issue, note);
    });
    api.post("/projects/:id/issues/:iid/links", async (request, reply) => {
      const issue = issueOf(request);
      const target = project.find(Number((request.body as { target_issue_iid?: unknown }).target_issue_iid));
      if (issue === undefined || target === undefined) return notFound(reply, "Issue");
      if (issue.links.includes(target.iid)) return reply.code(409).send({ message: "Issue(s) already assigned" });
      issue.links.push(target.iid);
      target.links.push(issue.iid);
      return reply.code(201).send({ source_issue: shown(issue), target_issue: shown(target), link_type: "relates_to" });
    });
    api.get("/projects/:id/issues/:iid/links", async (request, reply) => {
      const issue = issueOf(request);
      if (issue === undefined) return notFound(reply, "Issue");
      return issue.links.flatMap((iid) => project.find(iid) ?? []).map(shown);
    });
  };
