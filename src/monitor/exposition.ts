/** A snapshot as Prometheus text. Seconds and bytes here, where the snapshot has milliseconds. */
import { Registry } from 'prom-client';
import type { Metric } from 'prom-client';
import { METRIC_FAMILIES } from './metric-families.ts';
import type { HistogramSample, Labels, MetricFamily } from './metric-family.ts';
import type { MetricsSnapshot } from './metrics.ts';

/** The `Content-Type` of the text. */
export const EXPOSITION_CONTENT_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

interface ExposedSample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Every metric that has a value in the snapshot, with its help and type. */
export function exposition(snapshot: MetricsSnapshot): Promise<string> {
  return expositionOf(METRIC_FAMILIES, snapshot);
}

/** The same of metrics of somebody else's. */
export async function expositionOf<Snapshot>(
  families: readonly MetricFamily<Snapshot>[],
  snapshot: Snapshot,
): Promise<string> {
  const registry = new Registry();
  for (const family of families) {
    const values = samplesOf(family, snapshot);
    if (values.length > 0) registry.registerMetric(exposed(family, values));
  }
  return registry.metrics();
}

/**
 * What a registry asks of a metric. The library's own counters and histograms count by
 * themselves and take no counts from elsewhere, so that a snapshot cannot be put into them.
 */
function exposed(
  { name, help, type }: { name: string; help: string; type: 'counter' | 'gauge' | 'histogram' },
  values: readonly ExposedSample[],
): Metric {
  const metric = { name, help, type, get: async () => ({ name, help, type, values, aggregator: 'sum' }) };
  return metric as unknown as Metric;
}

function samplesOf<Snapshot>(family: MetricFamily<Snapshot>, snapshot: Snapshot): readonly ExposedSample[] {
  if (family.type !== 'histogram') return family.read(snapshot);
  return family.read(snapshot).flatMap((sample) => histogramSamples(family.name, sample));
}

/** Cumulative buckets, sum and count, in seconds. */
function histogramSamples(name: string, { labels, histogram }: HistogramSample): ExposedSample[] {
  const { boundsMs, counts, sumMs, count } = histogram;
  let below = 0;
  const buckets = boundsMs.map((boundMs, index) => {
    below += counts[index] ?? 0;
    return bucket(name, labels, boundMs / 1_000, below);
  });
  return [
    ...buckets,
    bucket(name, labels, '+Inf', count),
    { metricName: `${name}_sum`, labels, value: sumMs / 1_000 },
    { metricName: `${name}_count`, labels, value: count },
  ];
}

function bucket(name: string, labels: Labels, le: number | '+Inf', value: number): ExposedSample {
  return { metricName: `${name}_bucket`, labels: { ...labels, le }, value };
}
