// Heavy parts come when something first shows them.
import { lazy, Suspense } from "react";
import type { ChartProps } from "./chart.tsx";
import { Output } from "./output.tsx";
import type { ServiceMapProps } from "./service-map.tsx";

const LazyChart = lazy(async () => ({ default: (await import("./chart.tsx")).Chart }));
const LazyMap = lazy(async () => ({ default: (await import("./service-map.tsx")).ServiceMap }));
const LazyMarkdown = lazy(async () => ({ default: (await import("./markdown.tsx")).Markdown }));

export const Chart = (props: ChartProps) => (
  <Suspense fallback={<div className="chart-place" />}>
    <LazyChart {...props} />
  </Suspense>
);
export const ServiceMap = (props: ServiceMapProps) => (
  <Suspense fallback={<div className="map-place" />}>
    <LazyMap {...props} />
  </Suspense>
);
export const Markdown = ({ text }: { text: string }) => (
  <Suspense fallback={<Output>{text}</Output>}>
    <LazyMarkdown text={text} />
  </Suspense>
);
