import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "../api/client.ts";
import { incidentsQuery, OPEN_STATES, redButtonQuery } from "../api/queries.ts";
import { whoAmI } from "../live/preferences.ts";
import { useLiveState } from "../live/use-live.ts";
import { useNow } from "../live/use-now.ts";
import { Decision } from "../parts/decision.tsx";
import { When } from "../parts/when.tsx";
import { isStorm, STORM_INCIDENTS } from "../view/now.ts";
import { span } from "../view/time.ts";

/** After this a broken connection is more than a hiccup. */
const BEHIND_MS = 5_000;

/** What concerns every page: automation is stopped, a storm, nothing here is the present. */
export function Banners() {
  const button = useQuery(redButtonQuery);
  const open = useQuery(incidentsQuery({ state: OPEN_STATES, limit: 100 }));
  const client = useQueryClient();
  const { status, since } = useLiveState();
  const now = useNow();
  return (
    <>
      {button.data?.isOn === true && (
        <div className="banner" data-tone="bad" role="status">
          <div>
            <strong>All automation is stopped.</strong> {button.data.reason} <span className="quiet">— {button.data.changedBy}</span>
            {button.data.changedAt !== undefined && (
              <span className="quiet">
                , <When at={button.data.changedAt} />
              </span>
            )}
          </div>
          <Decision
            label="Let it run again"
            title="Let automation run again?"
            text="Runs that are asked for from now on may act. Those that were refused meanwhile stay refused."
            confirm="Let it run"
            reason="required"
            act={async (reason) => {
              await api.pressRedButton(false, reason, whoAmI());
              await client.invalidateQueries({ queryKey: ["red-button"] });
            }}
          />
        </div>
      )}
      {open.data !== undefined && isStorm(open.data.items, now) && (
        <div className="banner" data-tone="warn" role="status">
          <div>
            <strong>Storm.</strong> {STORM_INCIDENTS} or more incidents within five minutes: one cause is likelier than many. Automation
            holds back by itself.
          </div>
        </div>
      )}
      {status === "behind" && now - since > BEHIND_MS && (
        <div className="banner" data-tone="warn" role="status">
          <div>
            <strong>This is not the present.</strong> The server has not answered for {span(Math.round((now - since) / 1000))}. What is
            shown is what was known then; nothing is lost, it follows when the server is back.
          </div>
        </div>
      )}
    </>
  );
}
