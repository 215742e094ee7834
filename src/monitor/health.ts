/** Whether the library can serve, read off a snapshot. */
import type { PoolStats } from '../pool/pool-stats.ts';
import type { Alert } from './alerts.ts';
import type { MetricsSnapshot } from './metrics.ts';

/** `failing`: requests will fail. `degraded`: they are served, and somebody should look. */
export type HealthStatus = 'ok' | 'degraded' | 'failing';

export interface HealthCheck {
  readonly name: string;
  readonly status: HealthStatus;
  readonly message: string;
}

export interface Health {
  /** The worst of the checks. */
  readonly status: HealthStatus;
  readonly checks: readonly HealthCheck[];
}

export function healthOf(snapshot: MetricsSnapshot): Health {
  const firing = snapshot.alerts.filter((alert) => alert.state === 'firing');
  const checks = [storeCheck(snapshot), ...snapshot.pools.map(poolCheck), ...firing.map(alertCheck)];
  const worst = (['failing', 'degraded'] as const).find((status) =>
    checks.some((check) => check.status === status),
  );
  return { status: worst ?? 'ok', checks };
}

function storeCheck({ store }: MetricsSnapshot): HealthCheck {
  if (!store) return { name: 'store', status: 'failing', message: 'the store does not answer' };
  const message = `${store.skills} skills in ${store.kind}, ${store.writesWaiting} writes waiting`;
  return { name: 'store', status: 'ok', message };
}

function poolCheck(pool: PoolStats): HealthCheck {
  const message = `${pool.state}: ${pool.inUse} of ${pool.max} in use, ${pool.waiting} waiting`;
  return { name: `pool:${pool.name}`, status: poolStatus(pool), message };
}

function poolStatus(pool: PoolStats): HealthStatus {
  switch (pool.state) {
    case 'closed':
      return 'failing';
    case 'draining':
      return 'degraded';
    case 'open':
      return pool.waiting > 0 && pool.inUse >= pool.max ? 'degraded' : 'ok';
    default:
      throw new Error(`unreachable: ${pool.state satisfies never}`);
  }
}

function alertCheck(alert: Alert): HealthCheck {
  return { name: `alert:${alert.type}:${alert.subject}`, status: 'degraded', message: alert.message };
}
