import { useNavigate } from "@tanstack/react-router";
import type { IncidentView, Topology } from "@tocsin/contracts";
import { ServiceMap } from "../../parts/lazy.tsx";
import type { MapNode } from "../../parts/service-map.tsx";
import { causalGraph, type GraphNode } from "../../view/causal-graph.ts";
import { count } from "../../view/figures.ts";

const TONES: Readonly<Record<GraphNode["role"], string>> = {
  cause: "bad",
  root: "bad",
  symptom: "warn",
  member: "busy",
  bystander: "calm",
};
const TAGS: Readonly<Record<GraphNode["role"], string | undefined>> = {
  cause: "cause",
  root: "looks like the root",
  symptom: "symptom",
  member: "member",
  bystander: undefined,
};

/** The members on the topology: where it began, who feels it, and on hover why we think so. */
export function CausalPicture({
  incident,
  topology,
}: {
  incident: Pick<IncidentView, "members" | "causes" | "verdict">;
  topology: Topology | undefined;
}) {
  const navigate = useNavigate();
  const graph = causalGraph(incident, topology);
  if (graph.nodes.length === 0) return <p className="quiet">None of the alerts names a service.</p>;
  const nodes = graph.nodes.map(
    (node): MapNode => ({
      id: node.id,
      tone: TONES[node.role],
      tag: TAGS[node.role],
      note: node.firing > 0 ? `${node.firing} firing` : node.members.length > 0 ? "resolved" : undefined,
      card: (
        <div className="why">
          <p>
            <strong>{node.id}</strong> {TAGS[node.role] ?? "takes no part in it"}
          </p>
          {node.reasons.length > 0 ? (
            <ul>
              {node.reasons.slice(0, 8).map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          ) : (
            <p className="quiet">Shown for orientation.</p>
          )}
          {node.members.length > 0 && <p className="quiet">{count(node.members.length, "alert")}</p>}
        </div>
      ),
    }),
  );
  return (
    <ServiceMap
      label="Services of the incident and who calls whom"
      nodes={nodes}
      edges={graph.edges.map(({ from, to, isPath }) => ({ from, to, tone: isPath ? "path" : "calm" }))}
      onOpen={(id) => void navigate({ to: "/services/$id", params: { id } })}
    />
  );
}
