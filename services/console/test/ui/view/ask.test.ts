import { expect, test } from "vitest";
import { type AnswerSoFar, takeEvents, withPiece } from "../../../src/ui/view/ask.ts";

const asked: AnswerSoFar = { question: "Why?", sentences: [], state: "asking" };
const STREAM =
  'retry: 1000\n\nid: 1\nevent: sentence\ndata: {"text":"One.","evidence":["ev_1"]}\n\n: \n\nid: 2\nevent: done\ndata: {"kept":1,"dropped":2}\n\n';

test("an answer grows by what has arrived whole, wherever the stream is cut", () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const first = takeEvents(STREAM.slice(0, cut));
    const second = takeEvents(first.rest + STREAM.slice(cut));
    const answer = [...first.pieces, ...second.pieces].reduce(withPiece, asked);
    expect(answer).toEqual({ question: "Why?", sentences: [{ text: "One.", evidence: ["ev_1"] }], state: "done", dropped: 2 });
    expect(second.rest).toBe("");
  }
});

test("begun anew, what was shown goes; skipped, the reason stands", () => {
  const one = withPiece(asked, { event: "sentence", data: { text: "One.", evidence: [] } });
  expect(withPiece(one, { event: "restart", data: {} }).sentences).toEqual([]);
  expect(withPiece(asked, { event: "skipped", data: { text: "no model: budget" } })).toMatchObject({
    state: "skipped",
    text: "no model: budget",
  });
  expect(withPiece(one, { event: "later", data: {} })).toEqual(one);
});
