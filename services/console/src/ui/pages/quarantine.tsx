import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api, type DeadLetterItem, type QuarantineEntry } from "../api/client.ts";
import { lettersQuery, quarantineQuery } from "../api/queries.ts";
import { whoAmI } from "../live/preferences.ts";
import { Badge } from "../parts/badges.tsx";
import { Decision } from "../parts/decision.tsx";
import { Output } from "../parts/output.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import { When } from "../parts/when.tsx";
import { count, figure } from "../view/figures.ts";

const route = getRouteApi("/quarantine");

/** What came and was not understood, and what was understood and could not be processed. Nothing of it is lost. */
export function Quarantine() {
  const quarantine = useQuery(quarantineQuery);
  const letters = useQuery(lettersQuery);
  return (
    <>
      <PageHead title="Quarantine" />
      <p className="page-lead">
        What was acknowledged and could not be used is kept here with its raw bytes. Mend the cause, then replay it: it takes the way it
        would have taken.
      </p>
      <Panel title="Not understood on arrival">
        <Shown query={quarantine}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="Everything was understood" />
            ) : (
              <ul className="letters">
                {items.map((entry) => (
                  <Entry key={entry.id} entry={entry} />
                ))}
              </ul>
            )
          }
        </Shown>
      </Panel>
      <Panel title="Dead letters">
        <Shown query={letters}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="Everything was processed" />
            ) : (
              <ul className="letters">
                {items.map((letter) => (
                  <Letter key={letter.id} letter={letter} />
                ))}
              </ul>
            )
          }
        </Shown>
      </Panel>
    </>
  );
}

/** Which entry is open stands in the address. */
function useShown(id: string): { isShown: boolean; toggle: (open: boolean) => void } {
  const { show } = route.useSearch();
  const navigate = route.useNavigate();
  return { isShown: show === id, toggle: (open) => void navigate({ search: open ? { show: id } : {}, replace: true, resetScroll: false }) };
}

function Entry({ entry }: { entry: QuarantineEntry }) {
  const { isShown, toggle } = useShown(entry.id);
  const client = useQueryClient();
  const full = useQuery({ queryKey: ["quarantined", entry.id], queryFn: () => api.quarantined(entry.id), enabled: isShown });
  const refresh = () => client.invalidateQueries({ queryKey: ["quarantine"] });
  return (
    <li className="letter">
      <div className="letter-head">
        <div>
          <p>
            <strong>{entry.reason}</strong> <Badge state={entry.state} />
          </p>
          <p className="quiet">
            {entry.source} · <When at={entry.receivedAt} /> · {figure(entry.size, "bytes")} · {count(entry.times, "time")} ·{" "}
            <code>{entry.code}</code>
          </p>
        </div>
        {entry.state === "held" && (
          <div className="page-actions">
            <Decision
              label="Replay"
              title="Take it in again?"
              text="It is read as today's readers and mappings understand it."
              confirm="Replay"
              act={() => api.decideQuarantined(entry.id, "replay").then(refresh)}
            />
            <Decision
              label="Drop"
              title="Put it away?"
              text="It stays here to be read, and is never used."
              confirm="Drop"
              act={() => api.decideQuarantined(entry.id, "drop").then(refresh)}
            />
          </div>
        )}
      </div>
      <button type="button" className="quiet-button" aria-expanded={isShown} onClick={() => toggle(!isShown)}>
        {isShown ? "Hide the body" : "Show the body"}
      </button>
      {isShown && <Shown query={full}>{({ body }) => <Output>{body}</Output>}</Shown>}
    </li>
  );
}

function Letter({ letter }: { letter: DeadLetterItem }) {
  const { isShown, toggle } = useShown(letter.id);
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: ["dead-letters"] });
  return (
    <li className="letter">
      <div className="letter-head">
        <div>
          <p>
            <strong>{letter.reason}</strong> <Badge state={letter.state} />
          </p>
          <p className="quiet">
            {letter.origin.topic} → {letter.origin.group} · <When at={letter.at} /> · <code>{letter.code}</code>
          </p>
        </div>
        {letter.state === "held" && (
          <div className="page-actions">
            <Decision
              label="Replay"
              title="Send it again?"
              text="Consumers that handled it already ignore it."
              confirm="Replay"
              act={() => api.decideLetter(letter.id, "replay", whoAmI()).then(refresh)}
            />
            <Decision
              label="Drop"
              title="Put it away?"
              confirm="Drop"
              act={() => api.decideLetter(letter.id, "drop", whoAmI()).then(refresh)}
            />
          </div>
        )}
      </div>
      <button type="button" className="quiet-button" aria-expanded={isShown} onClick={() => toggle(!isShown)}>
        {isShown ? "Hide it" : "Show it"}
      </button>
      {isShown && (
        <>
          <Output>{JSON.stringify(letter.headers, null, 2)}</Output>
          <Output>{letter.body}</Output>
        </>
      )}
    </li>
  );
}
