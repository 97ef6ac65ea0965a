import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { IncidentSummary } from "@tocsin/contracts";
import { type ReactNode, useState } from "react";
import { type ApprovalItem, api, ProblemError } from "../api/client.ts";
import { whoAmI } from "../live/preferences.ts";
import { useNow } from "../live/use-now.ts";
import { effectParts } from "../view/approval.ts";
import { shortDigest } from "../view/figures.ts";
import { span } from "../view/time.ts";
import { Key } from "./key.tsx";
import { Verdicts } from "./verdicts.tsx";

/**
 * A question to a person with the exact effect. The answer carries the digest of what stood here when the person began to answer: should
 * the plan change meanwhile, the server refuses the answer and the card says so.
 */
export function ApprovalCard({
  approval,
  incident,
  children,
}: {
  approval: ApprovalItem;
  incident?: IncidentSummary | undefined;
  /** What a person may want to look at before they answer. */
  children?: ReactNode;
}) {
  const [seen, setSeen] = useState<ApprovalItem>();
  const [isEmergency, setIsEmergency] = useState(false);
  const now = useNow();
  const client = useQueryClient();
  const decide = useMutation({
    mutationFn: (decision: "approve" | "deny") => {
      const { id, digest } = seen ?? approval;
      return decision === "approve" ? api.approve(id, digest, whoAmI(), isEmergency) : api.deny(id, digest, whoAmI());
    },
    // The question is asked anew only once what is pending has been read again: an answered one leaves instead.
    onSettled: async () => {
      await client.invalidateQueries({ queryKey: ["approvals"] });
      setSeen(undefined);
    },
  });
  const shown = seen ?? approval;
  const { title, steps, standing, policy } = effectParts(shown.effect);
  const left = (Date.parse(approval.expiresAt) - now) / 1000;
  const hasChanged = seen !== undefined && seen.digest !== approval.digest;
  return (
    <article className="approval" aria-label={`Approval: ${title}`}>
      <header>
        <div>
          <p className="approval-title">{title}</p>
          <p className="quiet">
            {incident !== undefined && (
              <>
                for{" "}
                <Link to="/incidents/$id" params={{ id: incident.id }}>
                  {incident.title}
                </Link>{" "}
                ·{" "}
              </>
            )}
            {approval.reason}
          </p>
        </div>
        <span className="approval-risk" data-risk={approval.risk}>
          {approval.risk} risk
        </span>
      </header>
      <ol className="approval-steps">
        {steps.map((step) => (
          <li key={`${step.deed}${step.notes.join()}`}>
            {step.deed}
            {step.notes.map((note) => (
              <p key={note} className="quiet">
                {note}
              </p>
            ))}
          </li>
        ))}
      </ol>
      {standing.length > 0 && (
        <details className="standing" open={seen !== undefined}>
          <summary>How things stood when it was asked</summary>
          <ul>
            {standing.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </details>
      )}
      {policy.length > 0 && (
        <details className="standing">
          <summary>What the rules said then</summary>
          <Verdicts reasons={policy} />
        </details>
      )}
      {children}
      {(hasChanged || (decide.error instanceof ProblemError && decide.error.code === "APPROVAL_DIGEST_CONFLICT")) && (
        <p className="problem" role="alert">
          The plan has changed since you read it. Nothing was done: read it again and decide anew.
        </p>
      )}
      {decide.isError && !(decide.error instanceof ProblemError && decide.error.code === "APPROVAL_DIGEST_CONFLICT") && (
        <p className="problem" role="alert">
          {decide.error.message}
        </p>
      )}
      {approval.emergencyOnly && (
        <label className="check">
          <input type="checkbox" checked={isEmergency} onChange={(event) => setIsEmergency(event.target.checked)} /> This is an emergency
        </label>
      )}
      <footer>
        {seen === undefined ? (
          <>
            <button type="button" className="button" data-tone="main" data-shortcut="y" onClick={() => setSeen(approval)}>
              Approve … <Key>y</Key>
            </button>
            <button type="button" className="button" data-shortcut="n" onClick={() => decide.mutate("deny")} disabled={decide.isPending}>
              Deny <Key>n</Key>
            </button>
          </>
        ) : (
          <>
            <button
              type="button"
              className="button"
              data-tone="good"
              data-shortcut="y"
              onClick={() => decide.mutate("approve")}
              disabled={decide.isPending}
            >
              Yes, do exactly this <Key>y</Key>
            </button>
            <button type="button" className="button" onClick={() => setSeen(undefined)}>
              Back
            </button>
          </>
        )}
        <span className="quiet approval-facts">
          <code title={shown.digest}>{shortDigest(shown.digest)}</code> ·{" "}
          {left > 0 ? `runs out in ${span(Math.round(left))}` : "has run out"} · asked by {approval.proposedBy || "Tocsin"}
        </span>
      </footer>
    </article>
  );
}
