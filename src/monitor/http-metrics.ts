/** The endpoint's numbers: requests by route and status, what it holds, and the process it runs in. */
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { HistogramSnapshot } from '../pool/pool-stats.ts';
import { DurationHistogram } from './histogram.ts';
import { counter, gauge, histogram, one, type MetricFamily } from './metric-family.ts';

export interface HttpGauges {
  readonly inFlight: number;
  readonly connections: number;
  readonly runsAdmitted: number;
  readonly runsRefused: number;
  readonly runsKept: number;
  readonly eventStreams: number;
}

export interface HttpNumbers extends HttpGauges {
  /** `route` is a pattern (`/v1/skills/:name`), never an address. */
  readonly requests: readonly { readonly route: string; readonly status: number; readonly count: number }[];
  readonly durations: readonly { readonly route: string; readonly durationMs: HistogramSnapshot }[];
  readonly process: {
    readonly cpuSeconds: number;
    readonly residentBytes: number;
    readonly heapUsedBytes: number;
    readonly openFiles: number;
    readonly eventLoopDelayMs: { readonly mean: number; readonly p99: number; readonly max: number };
  };
}

interface RouteCount {
  readonly byStatus: Map<number, number>;
  readonly durations: DurationHistogram;
}

export class HttpCounters {
  readonly #routes = new Map<string, RouteCount>();
  readonly #loop: IntervalHistogram = monitorEventLoopDelay({ resolution: 20 });

  constructor() {
    this.#loop.enable();
  }

  /** `route` must be one of a fixed number of names. */
  ended(route: string, status: number, durationMs: number): void {
    let counted = this.#routes.get(route);
    if (!counted) {
      counted = { byStatus: new Map(), durations: new DurationHistogram() };
      this.#routes.set(route, counted);
    }
    counted.byStatus.set(status, (counted.byStatus.get(status) ?? 0) + 1);
    counted.durations.record(durationMs);
  }

  numbers(gauges: HttpGauges): HttpNumbers {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const ms = (nanoseconds: number): number => (Number.isFinite(nanoseconds) ? nanoseconds / 1e6 : 0);
    const { mean, max } = this.#loop;
    return {
      ...gauges,
      requests: [...this.#routes].flatMap(([route, { byStatus }]) =>
        Array.from(byStatus, ([status, count]) => ({ route, status, count })),
      ),
      durations: Array.from(this.#routes, ([route, { durations }]) => ({
        route,
        durationMs: durations.snapshot(),
      })),
      process: {
        cpuSeconds: (user + system) / 1e6,
        residentBytes: rss,
        heapUsedBytes: heapUsed,
        openFiles: openFiles(),
        eventLoopDelayMs: { mean: ms(mean), p99: ms(this.#loop.percentile(99)), max: ms(max) },
      },
    };
  }

  stop(): void {
    this.#loop.disable();
  }
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    // Not Linux: it cannot be told.
    return 0;
  }
}

export const HTTP_FAMILIES: readonly MetricFamily<HttpNumbers>[] = [
  counter('http_requests', 'Requests that were answered, by route and status.', ({ requests }) =>
    requests.map(({ route, status, count }) => ({ labels: { route, status: String(status) }, value: count })),
  ),
  histogram('http_request_duration', 'Time from the headers of a request to the end of its answer.', (n) =>
    n.durations.map(({ route, durationMs }) => ({ labels: { route }, histogram: durationMs })),
  ),
  gauge('http_requests_in_flight', 'Requests under way.', (n) => one(n.inFlight)),
  gauge('http_connections', 'Connections that are open.', (n) => one(n.connections)),
  gauge('http_runs_admitted', 'Runs under way and in line.', (n) => one(n.runsAdmitted)),
  counter('http_runs_refused', 'Runs that were refused because there was no room.', (n) =>
    one(n.runsRefused),
  ),
  gauge('http_runs_kept', 'Runs answered later that are kept.', (n) => one(n.runsKept)),
  gauge('http_event_streams', 'Event streams that are open.', (n) => one(n.eventStreams)),
  counter('process_cpu_seconds', 'Processor time of the service itself.', (n) => one(n.process.cpuSeconds)),
  gauge('process_resident_bytes', 'Memory of the service itself.', (n) => one(n.process.residentBytes)),
  gauge('process_heap_used_bytes', 'Heap of the service itself.', (n) => one(n.process.heapUsedBytes)),
  gauge('process_open_files', 'Descriptors of the service itself.', (n) => one(n.process.openFiles)),
  gauge(
    'event_loop_delay_seconds',
    'How late timers are, since the start.',
    ({ process: { eventLoopDelayMs } }) =>
      Object.entries(eventLoopDelayMs).map(([statistic, value]) => ({
        labels: { statistic },
        value: value / 1_000,
      })),
  ),
];
