// Who calls whom. The layout is dagre's; nodes are real buttons over a drawing of the calls, so that they can be reached and read out.

import { Hovercard, HovercardAnchor, HovercardProvider } from "@ariakit/react";
import { graphlib, layout } from "@dagrejs/dagre";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";

export interface MapNode {
  readonly id: string;
  /** One of the tones of the page: bad, warn, busy, good, calm. */
  readonly tone: string;
  readonly tag?: string | undefined;
  readonly note?: string | undefined;
  readonly card?: ReactNode;
}
export interface MapEdge {
  readonly from: string;
  readonly to: string;
  readonly tone?: "path" | "bad" | "calm";
  readonly label?: string;
}
export interface ServiceMapProps {
  readonly label: string;
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
  readonly onOpen?: (id: string) => void;
}

const HEIGHT = 46;
const widthOf = (node: MapNode): number => Math.min(220, Math.max(112, Math.max(node.id.length * 8, noteOf(node).length * 6.2) + 34));
const noteOf = ({ tag, note }: MapNode): string => [tag, note].filter(Boolean).join(" · ");

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

function place(nodes: readonly MapNode[], edges: readonly MapEdge[], isNarrow: boolean) {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: isNarrow ? "TB" : "LR", nodesep: isNarrow ? 14 : 18, ranksep: isNarrow ? 34 : 56, marginx: 6, marginy: 6 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { width: widthOf(node), height: HEIGHT });
  for (const { from, to } of edges) graph.setEdge(from, to, {});
  layout(graph);
  const places = new Map<string, Place>();
  for (const node of nodes) {
    const { x, y } = graph.node(node.id) as { x: number; y: number };
    places.set(node.id, { x, y, width: widthOf(node) });
  }
  const paths = edges.map((edge) => ({ edge, points: (graph.edge(edge.from, edge.to) as { points: { x: number; y: number }[] }).points }));
  const size = graph.graph() as { width?: number; height?: number };
  return { places, paths, width: size.width ?? 0, height: size.height ?? 0 };
}

/** A smooth line through the points of the layout. */
function curve(points: readonly { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  let path = `M${first.x},${first.y}`;
  for (let n = 0; n < rest.length - 1; n++) {
    const [a, b] = [rest[n], rest[n + 1]] as [{ x: number; y: number }, { x: number; y: number }];
    path += ` Q${a.x},${a.y} ${(a.x + b.x) / 2},${(a.y + b.y) / 2}`;
  }
  const last = rest.at(-1);
  return last === undefined ? path : `${path} L${last.x},${last.y}`;
}

export function ServiceMap({ label, nodes, edges, onOpen }: ServiceMapProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(900);
  useEffect(() => {
    const host = frame.current;
    if (host === null) return;
    const observer = new ResizeObserver(() => setRoom(host.clientWidth));
    observer.observe(host);
    return () => observer.disconnect();
  }, []);
  const isNarrow = room < 520;
  // Texts and tones change every few seconds; the layout only when there is another node or call.
  const shape = JSON.stringify([nodes.map((node) => [node.id, widthOf(node)]), edges.map(({ from, to }) => [from, to]), isNarrow]);
  const drawn = useMemo(() => place(nodes, edges, isNarrow), [shape]);
  const toneOf = new Map(edges.map((edge) => [`${edge.from}\n${edge.to}`, edge]));
  const scale = Math.min(1, room / Math.max(1, drawn.width));
  return (
    <div className="map" ref={frame}>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields */}
      <div role="group" aria-label={label} className="map-canvas" style={{ height: drawn.height * scale }}>
        <div className="map-scaled" style={{ width: drawn.width, height: drawn.height, transform: `scale(${scale})` }}>
          <svg width={drawn.width} height={drawn.height} aria-hidden="true">
            <defs>
              {(["calm", "path", "bad"] as const).map((tone) => (
                <marker key={tone} id={`arrow-${tone}`} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                  <path d="M0,0 L8,4 L0,8 z" className="arrow" data-tone={tone} />
                </marker>
              ))}
            </defs>
            {drawn.paths.map(({ edge, points }) => {
              const { tone = "calm", label: text } = toneOf.get(`${edge.from}\n${edge.to}`) ?? edge;
              const middle = points[Math.floor(points.length / 2)];
              return (
                <g key={`${edge.from}>${edge.to}`}>
                  <path d={curve(points)} className="call" data-tone={tone} markerEnd={`url(#arrow-${tone})`} />
                  {text !== undefined && middle !== undefined && (
                    <text x={middle.x} y={middle.y - 5} className="call-label">
                      {text}
                    </text>
                  )}
                </g>
              );
            })}
          </svg>
          {nodes.map((node) => {
            const at = drawn.places.get(node.id);
            if (at === undefined) return null;
            return (
              <HovercardProvider key={node.id} timeout={150}>
                <HovercardAnchor
                  render={<button type="button" />}
                  className="map-node"
                  data-tone={node.tone}
                  style={{ left: at.x - at.width / 2, top: at.y - HEIGHT / 2, width: at.width, height: HEIGHT }}
                  onClick={() => onOpen?.(node.id)}
                >
                  <span className="map-name">{node.id}</span>
                  <span className="map-note">{noteOf(node) || "\u00a0"}</span>
                </HovercardAnchor>
                {node.card !== undefined && (
                  <Hovercard className="card" gutter={6} portal unmountOnHide aria-label={node.id}>
                    {node.card}
                  </Hovercard>
                )}
              </HovercardProvider>
            );
          })}
        </div>
      </div>
    </div>
  );
}
