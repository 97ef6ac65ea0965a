import { AppError } from "@tocsin/runtime";
import type { ListPosition } from "@tocsin/store";
import * as z from "zod";

const Position = z.tuple([z.iso.datetime(), z.string().min(1).max(200)]);

export const encodeCursor = (position: ListPosition): string =>
  Buffer.from(JSON.stringify([position.at, position.id])).toString("base64url");

/** @throws AppError `REQUEST_CURSOR_INVALID` when it is none of ours */
export function decodeCursor(cursor: string): ListPosition {
  try {
    const [at, id] = Position.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")));
    return { at, id };
  } catch (cause) {
    throw new AppError("REQUEST_CURSOR_INVALID", "the cursor is not one that this API gave out", { cause });
  }
}
