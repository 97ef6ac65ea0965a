import type { PolicyVerdict } from "@tocsin/contracts";
import { byStrictness, nameOfRule, reasonBeside, WORD_OF_VERDICT } from "../view/dry-run.ts";
import { count } from "../view/figures.ts";

/** Every rule of the policy with its word and its reason: what stands in the way first, what does not a click away. */
export function Verdicts({ reasons }: { reasons: readonly PolicyVerdict[] }) {
  const { inTheWay, allowed } = byStrictness(reasons);
  return (
    <div className="rules">
      {inTheWay.length > 0 && <Rules reasons={inTheWay} />}
      {allowed.length > 0 && (
        <details>
          <summary>
            {inTheWay.length === 0
              ? `All ${count(allowed.length, "rule")} allow it`
              : `${count(allowed.length, "other rule")} would allow it`}
          </summary>
          <Rules reasons={allowed} />
        </details>
      )}
    </div>
  );
}

const Rules = ({ reasons }: { reasons: readonly PolicyVerdict[] }) => (
  <ul>
    {reasons.map(({ rule, verdict, text }) => (
      <li key={`${rule}:${text}`} className="rule" data-verdict={verdict}>
        <span className="rule-verdict">{WORD_OF_VERDICT[verdict]}</span>
        <span>
          <strong>{nameOfRule(rule)}</strong> {reasonBeside(rule, text)}
        </span>
      </li>
    ))}
  </ul>
);
