/**
 * Alerts are rules over snapshots. Each subject of a rule, as one pool, is inactive until its
 * value passes the threshold, pending while it must last, firing once it has, and resolved when
 * the value has fallen clearly below again. The engine has no clock and no timer of its own.
 */
import { toError } from '../errors.ts';
import type { MetricsSnapshot } from './metrics.ts';

export type AlertSeverity = 'warning' | 'critical';

export interface Alert {
  /** The rule's name, or `rule-failed`. */
  readonly type: string;
  /** What it is about: a pool's or cache's name, or the rule that failed. */
  readonly subject: string;
  readonly severity: AlertSeverity;
  readonly state: 'pending' | 'firing' | 'resolved';
  /** What happened, in numbers. */
  readonly message: string;
  readonly value: number;
  readonly threshold: number;
  /** When the value first passed the threshold. */
  readonly firstSeenMs: number;
  /** How many snapshots showed it since. */
  readonly count: number;
}

/** One subject's value in a snapshot. */
export interface Reading {
  readonly subject: string;
  readonly value: number;
  readonly message: string;
}

export interface AlertRule {
  readonly type: string;
  readonly severity: AlertSeverity;
  /** Passed by any value above it. */
  readonly threshold: number;
  /** The value at or below which it is resolved. Default 95 % of the threshold. */
  readonly clearAt?: number;
  /** How long a value must stay above before it fires, in ms. Default 0: at once. */
  readonly forMs?: number;
  /** The snapshot of the evaluation before is there for rates. */
  readonly read: (snapshot: MetricsSnapshot, previous?: MetricsSnapshot) => Iterable<Reading>;
}

export interface AlertEngineOptions {
  readonly rules: readonly AlertRule[];
  /** A firing alert is told again at most this often, in ms. */
  readonly repeatMs: number;
  /** Most firing alerts of one rule told within `repeatMs`; beyond it they are counted. Default none. */
  readonly perRuleMax?: number;
}

/** Absence from the engine's map is the state `inactive`; leaving the map while firing is `resolved`. */
type AlertState =
  | { readonly kind: 'pending'; readonly firstSeenMs: number; count: number; last: Reading }
  | {
      readonly kind: 'firing';
      readonly firstSeenMs: number;
      count: number;
      last: Reading;
      toldMs: number | undefined;
    };

const RULE_FAILED = { type: 'rule-failed', severity: 'warning', threshold: 0 } as const;

export class AlertEngine {
  readonly #options: AlertEngineOptions;
  /** Rule's place in the list → subject → state. */
  readonly #states: readonly Map<string, AlertState>[];
  /** Rules that threw at the last evaluation, with the alert that told of it. */
  readonly #failed = new Map<AlertRule, Alert>();
  /** When alerts of a rule were told within the last `repeatMs`. */
  readonly #toldAt = new Map<AlertRule, number[]>();
  #previous: MetricsSnapshot | undefined;
  #suppressed = 0;

  constructor(options: AlertEngineOptions) {
    this.#options = options;
    this.#states = options.rules.map(() => new Map<string, AlertState>());
  }

  /**
   * Looks at a snapshot. What it gives is to be told now: an alert that began to fire, one that
   * still fires `repeatMs` after it was last told, one that is resolved. A rule that throws is
   * told once, keeps its states, and does not hinder the others.
   */
  evaluate(snapshot: MetricsSnapshot, nowMs: number): Alert[] {
    const told: Alert[] = [];
    for (const [index, rule] of this.#options.rules.entries()) {
      const states = this.#states[index] as Map<string, AlertState>;
      try {
        const readings = [...rule.read(snapshot, this.#previous)];
        this.#ruleWorks(rule, told);
        this.#apply(rule, states, readings, nowMs, told);
      } catch (error) {
        this.#ruleFailed(rule, error, nowMs, told);
      }
    }
    this.#previous = snapshot;
    return told;
  }

  /** Alerts that were not told because their rule had told too many. */
  get suppressed(): number {
    return this.#suppressed;
  }

  /** Pending and firing alerts. */
  active(): Alert[] {
    const alerts = this.#options.rules.flatMap((rule, index) =>
      [...(this.#states[index] as Map<string, AlertState>).values()].map((state) =>
        alertOf(rule, state, state.kind),
      ),
    );
    return [...alerts, ...this.#failed.values()];
  }

  #apply(
    rule: AlertRule,
    states: Map<string, AlertState>,
    readings: readonly Reading[],
    nowMs: number,
    told: Alert[],
  ): void {
    const gone = new Set(states.keys());
    for (const reading of readings) {
      gone.delete(reading.subject);
      const alert = this.#step(rule, states, reading, nowMs);
      if (alert) told.push(alert);
    }
    // A subject that is no longer there, as a pool that was closed, cannot be in trouble.
    for (const subject of gone) {
      const state = states.get(subject) as AlertState;
      states.delete(subject);
      if (wasTold(state)) told.push(alertOf(rule, state, 'resolved'));
    }
  }

  #step(
    rule: AlertRule,
    states: Map<string, AlertState>,
    reading: Reading,
    nowMs: number,
  ): Alert | undefined {
    const { forMs = 0, threshold, clearAt = threshold * 0.95 } = rule;
    const before = states.get(reading.subject);
    const isOver = reading.value > threshold;
    const lasts = before?.kind === 'firing' ? reading.value > clearAt : isOver;
    if (!lasts) {
      states.delete(reading.subject);
      return wasTold(before) ? alertOf(rule, { ...before, last: reading }, 'resolved') : undefined;
    }
    const { firstSeenMs, count } = before ?? { firstSeenMs: nowMs, count: 0 };
    const seen = { firstSeenMs, count: count + 1, last: reading };
    if (before?.kind !== 'firing' && nowMs - firstSeenMs < forMs) {
      states.set(reading.subject, { kind: 'pending', ...seen });
      return undefined;
    }
    const toldMs = before?.kind === 'firing' ? before.toldMs : undefined;
    const isDue = toldMs === undefined || nowMs - toldMs >= this.#options.repeatMs;
    const isTold = isDue && this.#mayTell(rule, nowMs);
    const state: AlertState = { kind: 'firing', ...seen, toldMs: isTold ? nowMs : toldMs };
    states.set(reading.subject, state);
    return isTold ? alertOf(rule, state, 'firing') : undefined;
  }

  #mayTell(rule: AlertRule, nowMs: number): boolean {
    const { repeatMs, perRuleMax = Infinity } = this.#options;
    const told = (this.#toldAt.get(rule) ?? []).filter((toldMs) => nowMs - toldMs < repeatMs);
    const mayTell = told.length < perRuleMax;
    if (mayTell) told.push(nowMs);
    else this.#suppressed += 1;
    this.#toldAt.set(rule, told);
    return mayTell;
  }

  #ruleFailed(rule: AlertRule, error: unknown, nowMs: number, told: Alert[]): void {
    const before = this.#failed.get(rule);
    const alert: Alert = {
      ...RULE_FAILED,
      subject: rule.type,
      state: 'firing',
      message: `the alert rule ${rule.type} failed: ${toError(error).message}`,
      value: 1,
      firstSeenMs: before?.firstSeenMs ?? nowMs,
      count: (before?.count ?? 0) + 1,
    };
    this.#failed.set(rule, alert);
    if (!before) told.push(alert);
  }

  #ruleWorks(rule: AlertRule, told: Alert[]): void {
    const failed = this.#failed.get(rule);
    if (!failed) return;
    this.#failed.delete(rule);
    told.push({ ...failed, state: 'resolved', message: `the alert rule ${rule.type} works again`, value: 0 });
  }
}

/** Nobody who was not told that it fires is told that it is over. */
function wasTold(state: AlertState | undefined): state is AlertState & { kind: 'firing' } {
  return state?.kind === 'firing' && state.toldMs !== undefined;
}

function alertOf(rule: AlertRule, state: AlertState, told: Alert['state']): Alert {
  const { type, severity, threshold } = rule;
  const { subject, value, message } = state.last;
  const { firstSeenMs, count } = state;
  return { type, subject, severity, state: told, message, value, threshold, firstSeenMs, count };
}
