import { useQuery } from "@tanstack/react-query";
import { modelsQuery } from "../api/queries.ts";
import { Panel } from "../parts/panel.tsx";

const dollars = (usd: number): string => `$${usd.toFixed(usd < 1 ? 4 : 2)}`;

/** Language models: which there are, how they are, what they have cost and what they may. Nothing is shown where none can be asked for. */
export function Models() {
  const { data } = useQuery(modelsQuery);
  if (!data) return null;
  const { configured, providers, spend, limits, prompts } = data;
  return (
    <Panel title="Language models" aside={<span className="quiet">{configured ? "advice only" : "none"}</span>}>
      {!configured ? (
        <p className="quiet">
          None is configured; nothing needs one. <code>TOCSIN_LLM_URL</code> names one.
        </p>
      ) : (
        <>
          <ul className="checks">
            {providers.map(({ provider, model, state, reason, price }) => (
              <li key={`${provider} ${model}`}>
                <span className={state === "up" ? "right" : "wrong"}>{state === "up" ? "✓" : "✗"}</span>
                <div>
                  <strong>{model}</strong>{" "}
                  <span className="quiet">
                    {provider}
                    {price === undefined ? " · no price known" : ` · $${price.input} in, $${price.output} out for a million tokens`}
                  </span>
                  {reason !== undefined && <p className="quiet">{reason}</p>}
                </div>
              </li>
            ))}
          </ul>
          <div className="table-frame">
            <table>
              <thead>
                <tr>
                  <th scope="col">Spent</th>
                  <th scope="col">Calls</th>
                  <th scope="col">Tokens</th>
                  <th scope="col">Money</th>
                </tr>
              </thead>
              <tbody>
                {(["hour", "day"] as const).map((scope) => {
                  const limit = (what: string) => limits.find((each) => each.scope === scope && each.what === what)?.max;
                  const of = (what: string) => (limit(what) === undefined ? "" : ` of ${limit(what)?.toLocaleString("en")}`);
                  return (
                    <tr key={scope}>
                      <th scope="row">last {scope}</th>
                      <td>{`${spend[scope].calls}${of("calls")}`}</td>
                      <td>{`${spend[scope].tokens.toLocaleString("en")}${of("tokens")}`}</td>
                      <td>{`${dollars(spend[scope].usd)}${limit("usd") === undefined ? "" : ` of ${dollars(limit("usd") ?? 0)}`}`}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
          <p className="quiet">
            Prompts: {prompts.map(({ name, version }) => `${name} v${version}`).join(", ")}. Versions and hashes stand beside what each
            produced.
          </p>
        </>
      )}
    </Panel>
  );
}
