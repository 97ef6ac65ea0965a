import { useEffect, useRef } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { onPreferences } from "../live/preferences.ts";
import { figure } from "../view/figures.ts";
import { clock } from "../view/time.ts";

export interface Marker {
  /** Unix seconds. */
  readonly at: number;
  readonly label: string;
  readonly tone: "bad" | "busy" | "calm" | "good";
}
export interface ChartLine {
  readonly name: string;
  readonly samples: readonly (readonly [number, number | null])[];
  readonly tone?: "main" | "bad" | "busy" | "good";
}
export interface ChartProps {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  readonly lines: readonly ChartLine[];
  readonly unit: string;
  readonly markers?: readonly Marker[];
  readonly baseline?: number | undefined;
  readonly height?: number;
  readonly bars?: boolean;
  /** Charts of one key show their cursors together. */
  readonly sync?: string;
}

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/** Every line has the times of all lines. */
function aligned(lines: readonly ChartLine[]): UPlot.AlignedData {
  const times = [...new Set(lines.flatMap(({ samples }) => samples.map(([at]) => at)))].sort((a, b) => a - b);
  return [
    times,
    ...lines.map(({ samples }) => {
      const byTime = new Map(samples.map(([at, value]) => [at, value]));
      return times.map((at) => byTime.get(at));
    }),
  ] as unknown as UPlot.AlignedData;
}

export function Chart({ label, lines, unit, markers = [], baseline, height = 140, bars = false, sync }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const host = place.current;
    if (host === null) return;
    const data = aligned(lines);
    const mark = (plot: UPlot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.lineWidth = devicePixelRatio;
      ctx.textAlign = "left";
      ctx.textBaseline = "alphabetic";
      ctx.font = `${11 * devicePixelRatio}px ${css("--font")}`;
      if (baseline !== undefined) {
        const y = plot.valToPos(baseline, "y", true);
        if (y >= bbox.top && y <= bbox.top + bbox.height) {
          ctx.strokeStyle = css("--quiet");
          ctx.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio]);
          ctx.beginPath();
          ctx.moveTo(bbox.left, y);
          ctx.lineTo(bbox.left + bbox.width, y);
          ctx.stroke();
        }
      }
      let row = 0;
      for (const { at, label: text, tone } of markers) {
        const x = plot.valToPos(at, "x", true);
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        ctx.strokeStyle = css(`--${tone}`);
        ctx.fillStyle = css(`--${tone}`);
        ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        const width = ctx.measureText(text).width;
        const left =
          x + width + 8 * devicePixelRatio > bbox.left + bbox.width ? x - width - 4 * devicePixelRatio : x + 4 * devicePixelRatio;
        ctx.fillText(text, left, bbox.top + (11 + 12 * (row++ % 3)) * devicePixelRatio);
      }
      ctx.restore();
    };
    const draw = () => {
      const axis = {
        stroke: css("--quiet"),
        grid: { stroke: css("--line"), width: 1 },
        ticks: { show: false },
        font: `11px ${css("--font")}`,
      };
      const colors = { main: css("--accent"), bad: css("--bad"), busy: css("--busy"), good: css("--good") };
      const barPaths = bars ? UPlot.paths.bars?.({ size: [0.7, 40], radius: 0.15 }) : undefined;
      return new UPlot(
        {
          width: host.clientWidth,
          height,
          cursor: { drag: { x: false, y: false }, points: { size: 6 }, ...(sync === undefined ? {} : { sync: { key: sync } }) },
          legend: { live: true },
          scales: { y: { range: (_plot, min, max) => [Math.min(0, min ?? 0), max > 0 ? max * 1.15 : 1] } },
          axes: [
            {
              ...axis,
              space: 70,
              size: 26,
              values: (_plot, ticks) =>
                ticks.map((at) =>
                  ticks.length > 1 && (ticks.at(-1) ?? 0) - (ticks[0] ?? 0) > 90_000 ? dayOf(at) : clock(at * 1000).slice(0, 5),
                ),
            },
            { ...axis, size: 62, space: 34, values: (_plot, ticks) => ticks.map((value) => figure(value, unit)) },
          ],
          series: [
            { value: (_plot, at) => (at == null ? "" : clock(at * 1000)), label: "Time" },
            ...lines.map(
              ({ name, tone = "main" }): UPlot.Series => ({
                label: name,
                stroke: colors[tone],
                width: 1.5,
                ...(barPaths === undefined ? {} : { paths: barPaths }),
                ...(bars
                  ? { fill: colors[tone] }
                  : lines.length === 1
                    ? { fill: `color-mix(in srgb, ${colors[tone]} 12%, transparent)` }
                    : {}),
                points: { show: false },
                spanGaps: false,
                value: (_plot, value) => figure(value, unit),
              }),
            ),
          ],
          hooks: { draw: [mark] },
        },
        data,
        host,
      );
    };
    let plot = draw();
    const again = () => {
      plot.destroy();
      plot = draw();
    };
    const observer = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height }));
    observer.observe(host);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", again);
    const stop = onPreferences(again);
    return () => {
      observer.disconnect();
      dark.removeEventListener("change", again);
      stop();
      plot.destroy();
    };
  }, [lines, unit, markers, baseline, height, bars, sync]);
  return (
    <figure className="chart">
      <div ref={place} role="img" aria-label={describe(label, lines, unit, markers)} />
    </figure>
  );
}

const dayOf = (at: number): string => `${new Date(at * 1000).getDate()}.${new Date(at * 1000).getMonth() + 1}.`;

/** The chart in words: what it shows, from what to what, and its marks. */
function describe(label: string, lines: readonly ChartLine[], unit: string, markers: readonly Marker[]): string {
  const parts = lines.map(({ name, samples }) => {
    const values = samples.flatMap(([, value]) => (value === null ? [] : [value]));
    if (values.length === 0) return `${name}: no data`;
    return `${name}: last ${figure(values.at(-1), unit)}, least ${figure(Math.min(...values), unit)}, most ${figure(Math.max(...values), unit)}`;
  });
  return [label, ...parts, ...markers.map((each) => `${each.label} at ${clock(each.at * 1000)}`)].join(". ");
}
