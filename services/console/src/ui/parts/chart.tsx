import { useEffect, useRef } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { onPreferences } from "../live/preferences.ts";
import { type ChartLine, type ChartWords, describeChart, type Marker, rangeOf, timesOf } from "../view/chart.ts";
import { figure } from "../view/figures.ts";
import { clock } from "../view/time.ts";

export interface ChartProps extends Omit<ChartWords, "markers"> {
  readonly markers?: readonly Marker[];
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

const NO_MARKERS: readonly Marker[] = [];

export function Chart({ label, lines, unit, markers = NO_MARKERS, baseline, threshold, height = 140, bars = false, sync }: ChartProps) {
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
      /** A line across at a value. @returns where it is, unless that is outside of the chart */
      const level = (value: number, tone: string, dash: readonly number[]): number | undefined => {
        const y = plot.valToPos(value, "y", true);
        if (y < bbox.top || y > bbox.top + bbox.height) return undefined;
        ctx.strokeStyle = css(tone);
        ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
        return y;
      };
      if (baseline !== undefined) level(baseline, "--quiet", [2, 4]);
      const y = threshold === undefined ? undefined : level(threshold, "--warn", [8, 3]);
      if (y !== undefined) {
        // Above its line, or below where the chart ends; at the left, since what matters happens at the right.
        const above = y - bbox.top > 16 * devicePixelRatio;
        ctx.fillStyle = css("--warn");
        ctx.fillText(`threshold ${figure(threshold, unit)}`, bbox.left + 4 * devicePixelRatio, y + (above ? -4 : 13) * devicePixelRatio);
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
          scales: { y: { range: (_plot, min, max) => rangeOf(min, max, threshold) } },
          axes: [
            {
              ...axis,
              space: 70,
              size: 26,
              values: (_plot, ticks) => timesOf(ticks),
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
          hooks: {
            draw: [mark],
            // While nobody points at a moment, the last one is told instead of dashes.
            ready: [tellLast],
            setLegend: [(plot) => plot.legend.idx == null && tellLast(plot)],
          },
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
  }, [lines, unit, markers, baseline, threshold, height, bars, sync]);
  return (
    <figure className="chart">
      <div ref={place} role="img" aria-label={describeChart({ label, lines, unit, markers, baseline, threshold })} />
    </figure>
  );
}

function tellLast(plot: UPlot): void {
  const last = plot.data[0].length - 1;
  if (last >= 0) plot.setLegend({ idx: last }, false);
}
