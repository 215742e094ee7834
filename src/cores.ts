/** How many processor cores this process may use: what a container's quota leaves of the machine's. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** The cores of the machine that this process may run on, or the tightest quota of its cgroups (v2, else v1), rounded up. */
export function usableCores(readText: (path: string) => string | undefined = textOf): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(quota(readText))));
}

function quota(readText: (path: string) => string | undefined): number {
  const groups = readText('/proc/self/cgroup') ?? '';
  let least = Infinity;
  for (const path of upwards(/^0::(\/.*)$/m.exec(groups)?.[1] ?? '/')) {
    const [most, period] = (readText(`/sys/fs/cgroup${path}/cpu.max`) ?? '').trim().split(' ').map(Number);
    least = Math.min(least, share(most, period));
  }
  for (const path of upwards(/^\d+:(?:.*,)?cpu(?:,.*)?:(\/.*)$/m.exec(groups)?.[1] ?? '/')) {
    const folder = `/sys/fs/cgroup/cpu${path}`;
    const most = Number(readText(`${folder}/cpu.cfs_quota_us`) ?? NaN);
    least = Math.min(least, share(most, Number(readText(`${folder}/cpu.cfs_period_us`) ?? NaN)));
  }
  return least;
}

/** No quota is `max`, -1 or nothing at all. */
function share(most = NaN, period = NaN): number {
  return most > 0 && period > 0 ? most / period : Infinity;
}

/** A group and all above it, as paths below the mount. Inside a container the mount itself is the group. */
function upwards(path: string): string[] {
  const steps = path.split('/').filter((step) => step !== '' && step !== '..');
  return [...steps.map((_, index) => `/${steps.slice(0, steps.length - index).join('/')}`), ''];
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // No such file: no such bound.
    return undefined;
  }
}
