import type { ListPosition, Page } from "@tocsin/store";
import * as z from "zod";
import { cursorInvalid } from "./errors.ts";

const Position = z.object({ at: z.iso.datetime(), id: z.string().min(1).max(200) });

export const encodeCursor = (position: ListPosition): string =>
  Buffer.from(JSON.stringify([position.at, position.id])).toString("base64url");

/** @throws AppError `REQUEST_CURSOR_INVALID` when it is none of ours */
export function decodeCursor(cursor: string): ListPosition {
  try {
    const [at, id] = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")) as unknown[];
    return Position.parse({ at, id });
  } catch (cause) {
    throw cursorInvalid(cause);
  }
}

/** A page as the API answers it. */
export const listAnswer = <T>({ items, next }: Page<T>): { items: T[]; next: string | null } => ({
  items,
  next: next === undefined ? null : encodeCursor(next),
});

/** What every list takes. */
export const ListQuery = { limit: z.coerce.number().int().min(1).max(200).default(50), cursor: z.string().max(500).optional() };

/** `?state=open,escalated` or `?state=open&state=escalated` */
export const manyOf = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (Array.isArray(value) ? value : value.split(",")).map((item) => item.trim()).filter((item) => item !== ""))
  .optional();
