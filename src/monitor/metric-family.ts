/** What a metric is: its name, type, labels and meaning, and where its values are in a snapshot. */
import type { HistogramSnapshot } from '../pool/pool-stats.ts';
import type { MetricsSnapshot } from './metrics.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: Labels;
  readonly histogram: HistogramSnapshot;
}

interface Described {
  readonly name: string;
  readonly help: string;
}

export type MetricFamily<Snapshot = MetricsSnapshot> = Described &
  (
    | { readonly type: 'counter' | 'gauge'; readonly read: Read<Snapshot> }
    | { readonly type: 'histogram'; readonly read: (snapshot: Snapshot) => readonly HistogramSample[] }
  );

export type Read<Snapshot = MetricsSnapshot> = (snapshot: Snapshot) => readonly Sample[];

export const counter = <Snapshot = MetricsSnapshot>(
  name: string,
  help: string,
  read: Read<Snapshot>,
): MetricFamily<Snapshot> => ({
  name: `skillcache_${name}_total`,
  help,
  type: 'counter',
  read,
});

export const gauge = <Snapshot = MetricsSnapshot>(
  name: string,
  help: string,
  read: Read<Snapshot>,
): MetricFamily<Snapshot> => ({
  name: `skillcache_${name}`,
  help,
  type: 'gauge',
  read,
});

export const histogram = <Snapshot = MetricsSnapshot>(
  name: string,
  help: string,
  read: (snapshot: Snapshot) => readonly HistogramSample[],
): MetricFamily<Snapshot> => ({ name: `skillcache_${name}_seconds`, help, type: 'histogram', read });

export const one = (value: number): readonly Sample[] => [{ labels: {}, value }];

/** A sample of each member; the label's values are names of ours, and bounded. */
export const each = (
  label: string,
  counts: Readonly<Record<string, number | undefined>>,
  more: Labels = {},
): Sample[] =>
  Object.entries(counts).map(([key, value]) => ({ labels: { ...more, [label]: key }, value: value ?? 0 }));
