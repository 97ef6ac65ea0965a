import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { IncidentView } from "@tocsin/contracts";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { ask } from "../../api/client.ts";
import { modelsQuery } from "../../api/queries.ts";
import { ModelDetails } from "../../parts/model-note.tsx";
import { Panel } from "../../parts/panel.tsx";
import { type AnswerSoFar, withPiece } from "../../view/ask.ts";
import { count } from "../../view/figures.ts";

const STARTERS = ["What happened, in two sentences?", "Why is it this service and no other?", "What speaks against it?"];

/** Questions about the incident; the answer comes sentence by sentence, each with the evidence it rests on. */
export function Ask({ incident }: { incident: Pick<IncidentView, "id" | "evidence"> }) {
  const models = useQuery(modelsQuery);
  const [question, setQuestion] = useState("");
  const [answer, setAnswer] = useState<AnswerSoFar>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  if (!models.data) return null;
  const isAsking = answer?.state === "asking";

  async function send(text: string): Promise<void> {
    running.current?.abort();
    const current = new AbortController();
    running.current = current;
    let so: AnswerSoFar = { question: text, sentences: [], state: "asking" };
    setAnswer(so);
    try {
      await ask(incident.id, text, current.signal, (piece) => {
        so = withPiece(so, piece);
        if (!current.signal.aborted) setAnswer(so);
      });
      if (so.state === "asking") so = { ...so, state: "failed", text: "The answer broke off." };
    } catch (error) {
      so = { ...so, state: "failed", text: error instanceof Error ? error.message : "The question could not be asked." };
    }
    if (!current.signal.aborted) setAnswer(so);
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (question.trim().length >= 3) void send(question.trim());
  };

  return (
    <Panel title="Ask" aside={<span className="quiet">{models.data.configured ? "checked, with its evidence" : "no model"}</span>}>
      {models.data.configured ? (
        <>
          <form className="ask" onSubmit={submit}>
            <input
              aria-label="A question about this incident"
              value={question}
              maxLength={500}
              placeholder="What do you want to know?"
              onChange={(event) => setQuestion(event.target.value)}
            />
            <button type="submit" className="button" disabled={isAsking || question.trim().length < 3}>
              Ask
            </button>
          </form>
          {answer === undefined && (
            <p className="ask-starters">
              {STARTERS.map((starter) => (
                <button
                  key={starter}
                  type="button"
                  className="quiet-button"
                  onClick={() => {
                    setQuestion(starter);
                    void send(starter);
                  }}
                >
                  {starter}
                </button>
              ))}
            </p>
          )}
          {answer !== undefined && <Answer answer={answer} incident={incident} />}
        </>
      ) : (
        <p className="quiet">
          No language model is configured, and nothing here needs one. To ask questions, set <code>TOCSIN_LLM_URL</code>, for example to{" "}
          <code>ollama:http://127.0.0.1:11434</code> or <code>anthropic:</code>, and start again.
        </p>
      )}
    </Panel>
  );
}

function Answer({ answer, incident }: { answer: AnswerSoFar; incident: Pick<IncidentView, "id" | "evidence"> }) {
  const { sentences, state, dropped = 0, model, text } = answer;
  const byId = new Map((incident.evidence ?? []).map((each) => [each.id, each]));
  return (
    <div className="answer" aria-live="polite" aria-busy={state === "asking"}>
      {sentences.map((sentence) => (
        <p key={sentence.text}>
          {sentence.text}{" "}
          {sentence.evidence.map((id, n) => (
            <Link
              key={id}
              className="citation"
              to="/incidents/$id"
              params={{ id: incident.id }}
              search={(before) => ({ ...before, evidence: id })}
              resetScroll={false}
              title={byId.get(id)?.text ?? "evidence"}
            >
              {byId.get(id)?.kind ?? `evidence ${n + 1}`}
            </Link>
          ))}
        </p>
      ))}
      {state === "asking" && <p className="quiet">Thinking …</p>}
      {text !== undefined && <p className="quiet">{text}</p>}
      {state === "done" && sentences.length === 0 && <p className="quiet">The evidence does not answer that.</p>}
      {(dropped > 0 || model !== undefined) && (
        <div className="answer-foot quiet">
          {dropped > 0 && <span>Left out after the check: {count(dropped, "sentence")}.</span>}
          {model !== undefined && <ModelDetails note={model} />}
        </div>
      )}
    </div>
  );
}
