import type { ModelNote } from "@tocsin/contracts";

const cost = (usd: number): string => (usd === 0 ? "free" : usd < 0.01 ? `${(usd * 100).toFixed(2)} ¢` : `$${usd.toFixed(2)}`);

/** Which model said it, from which prompt, at what cost: one click away. */
export const ModelDetails = ({ note: { provider, model, prompt, costUsd } }: { note: ModelNote }) => (
  <details className="model-note">
    <summary>model</summary>
    <dl>
      <dt>Model</dt>
      <dd>
        {provider} · {model}
      </dd>
      <dt>Prompt</dt>
      <dd>
        {prompt.name}, version {prompt.version}, <code title={prompt.hash}>{prompt.hash.slice(0, 15)}</code>
      </dd>
      {costUsd !== undefined && (
        <>
          <dt>Cost</dt>
          <dd>{cost(costUsd)}</dd>
        </>
      )}
    </dl>
  </details>
);
