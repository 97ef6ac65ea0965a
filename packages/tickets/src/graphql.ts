import * as z from "zod";
import { graphqlFailed } from "./errors.ts";
import type { Send } from "./requester.ts";

const Answer = z.object({
  data: z.record(z.string(), z.looseObject({ errors: z.array(z.string()).optional() }).nullable()).nullish(),
  errors: z.array(z.looseObject({ message: z.string() })).optional(),
});

/** The mutations that REST has no field for, and the type of their input. */
const MUTATIONS = {
  issueSetSeverity: "IssueSetSeverityInput",
  issueSetEscalationStatus: "IssueSetEscalationStatusInput",
  timelineEventCreate: "TimelineEventCreateInput",
} as const;
type Mutation = keyof typeof MUTATIONS;

export type Mutate = (mutation: Mutation, input: Readonly<Record<string, unknown>>) => Promise<void>;

/**
 * A small GraphQL client: one mutation at a time.
 * @throws AppError `TICKETS_GRAPHQL_FAILED` for errors at the top and for those in the payload, and the errors of {@link Send}
 */
export function createMutate(send: Send, url: string, headers: Readonly<Record<string, string>>): Mutate {
  return async (mutation, input) => {
    const { body } = await send({
      method: "POST",
      url,
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({
        query: `mutation ($input: ${MUTATIONS[mutation]}!) { ${mutation}(input: $input) { errors } }`,
        variables: { input },
      }),
      // Setting a value twice sets it; an event of the timeline would be there twice.
      isIdempotent: mutation !== "timelineEventCreate",
    });
    const answer = Answer.safeParse(body);
    if (!answer.success) throw graphqlFailed(mutation, ["an answer that is no GraphQL"]);
    const messages = [...(answer.data.errors ?? []).map(({ message }) => message), ...(answer.data.data?.[mutation]?.errors ?? [])];
    if (messages.length > 0) throw graphqlFailed(mutation, messages);
  };
}
