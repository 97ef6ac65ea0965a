import { useLiveState } from "../live/use-live.ts";
import { useNow } from "../live/use-now.ts";
import { span } from "../view/time.ts";

/** Is what is shown the present? */
export function LiveSign() {
  const { status, since } = useLiveState();
  const now = useNow();
  const text = status === "live" ? "Live" : status === "behind" ? "Behind" : "Connecting";
  const title =
    status === "live" ? "Everything shown is up to date" : `Not up to date for ${span(Math.max(0, now - since) / 1000)}; trying again`;
  return (
    <span className="live-sign" data-status={status} title={title}>
      <span role="status">{text}</span>
      {status === "behind" && <span aria-hidden="true"> {span(Math.max(1, Math.round((now - since) / 1000)))}</span>}
    </span>
  );
}
