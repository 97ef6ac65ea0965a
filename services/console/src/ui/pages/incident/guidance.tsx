import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, type GuidanceAnswer } from "../../api/client.ts";
import { guidanceQuery } from "../../api/queries.ts";
import { whoAmI } from "../../live/preferences.ts";
import { Panel } from "../../parts/panel.tsx";
import { Shown } from "../../parts/states.tsx";
import { When } from "../../parts/when.tsx";
import { count } from "../../view/figures.ts";

/** Plain runbooks for a person: those that read like the incident to begin with, and the one under way to tick off. Nothing in them is run. */
export function Guidance({ id, isOver }: { id: string; isOver: boolean }) {
  const query = useQuery(guidanceQuery(id));
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (act: () => Promise<GuidanceAnswer>) => act(),
    onSuccess: (data) => {
      client.setQueryData(guidanceQuery(id).queryKey, data);
      void client.invalidateQueries({ queryKey: ["incident", id] });
    },
  });
  return (
    <Panel title="By hand">
      <Shown query={query} lines={3}>
        {({ items, suggestions }) => {
          const begun = new Set(items.map((item) => item.guidance));
          const rest = suggestions.filter((suggestion) => !begun.has(suggestion.id));
          return (
            <>
              {items.map((item) => (
                <Followed key={item.guidance} item={item} isOver={isOver} change={change} id={id} />
              ))}
              {items.length === 0 && rest.length === 0 && <p className="quiet">No runbook reads like this.</p>}
              {!isOver && rest.length > 0 && (
                <ul className="suggestions">
                  {rest.map((suggestion) => (
                    <li key={suggestion.id}>
                      <div>
                        <p>{suggestion.title}</p>
                        <p className="quiet">
                          {count(suggestion.steps, "step")} · reads alike: {suggestion.because.join(", ")}
                        </p>
                      </div>
                      <button
                        type="button"
                        className="button"
                        aria-label={`Follow ${suggestion.title}`}
                        disabled={change.isPending}
                        onClick={() => change.mutate(() => api.beginGuidance(id, suggestion.id, whoAmI()))}
                      >
                        Follow
                      </button>
                    </li>
                  ))}
                </ul>
              )}
              {change.isError && (
                <p className="problem" role="alert">
                  {change.error.message}
                </p>
              )}
            </>
          );
        }}
      </Shown>
    </Panel>
  );
}

function Followed({
  item,
  id,
  isOver,
  change,
}: {
  item: GuidanceAnswer["items"][number];
  id: string;
  isOver: boolean;
  change: { mutate: (act: () => Promise<GuidanceAnswer>) => void; isPending: boolean };
}) {
  return (
    <section aria-label={item.title}>
      <p>
        <strong>{item.title}</strong>{" "}
        <span className="quiet">
          {item.ticks.length} of {count(item.steps.length, "step")} done · begun by {item.by} <When at={item.at} />
        </span>
      </p>
      <ol className="steps">
        {item.steps.map((step, position) => {
          const tick = item.ticks.find((each) => each.position === position);
          const isFirstOfSection = step.section !== "" && step.section !== item.steps[position - 1]?.section;
          return (
            <li key={position} className="step" data-state={tick === undefined ? "pending" : "succeeded"}>
              {isFirstOfSection && <p className="quiet">{step.section}</p>}
              <label>
                <input
                  type="checkbox"
                  checked={tick !== undefined}
                  disabled={isOver || change.isPending}
                  onChange={(event) => {
                    const done = event.target.checked;
                    change.mutate(() => api.tickGuidance(id, item.guidance, position, done, whoAmI()));
                  }}
                />{" "}
                {step.text}
              </label>
              {tick !== undefined && (
                <p className="quiet">
                  {tick.by} <When at={tick.at} />
                </p>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
