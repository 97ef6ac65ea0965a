import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { IncidentView } from "@tocsin/contracts";
import { api } from "../../api/client.ts";
import { whoAmI } from "../../live/preferences.ts";
import { Decision } from "../../parts/decision.tsx";

/** Was it the right cause? The answer counts in the insights. */
export function Feedback({ incident }: { incident: IncidentView }) {
  const client = useQueryClient();
  const { id, feedback } = incident;
  const refresh = () => client.invalidateQueries({ queryKey: ["incident", id] });
  const right = useMutation({ mutationFn: () => api.feedback(id, true, "", whoAmI()), onSuccess: refresh });
  return (
    <div className="feedback">
      <button
        type="button"
        className="quiet-button"
        aria-pressed={feedback?.right === true}
        onClick={() => right.mutate()}
        disabled={right.isPending}
      >
        Right cause
      </button>
      <Decision
        label="Wrong cause"
        title="What was it really?"
        confirm="Say so"
        reason="optional"
        act={(note) => api.feedback(id, false, note, whoAmI()).then(refresh)}
      />
      {feedback !== undefined && (
        <p className="quiet">
          {feedback.by} says {feedback.right ? "right" : "wrong"}
          {feedback.note === "" ? "" : `: ${feedback.note}`}
        </p>
      )}
    </div>
  );
}
