import * as z from "zod";

/** An error over HTTP: RFC 9457 with our stable `code`. */
export const Problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  code: z.string(),
});
export type Problem = z.output<typeof Problem>;
