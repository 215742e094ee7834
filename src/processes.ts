/** What the kernel tells of a process, and whether it is there. */

/** In which the kernel tells user programs processor time, on every architecture: USER_HZ. */
const TICK_MS = 10;

/**
 * Processor time in ms, in steps of 10, of the text of `/proc/PID/stat`, see proc(5); NaN where it is none.
 */
export function cpuMsOf(stat: string): number {
  // Behind the name, which may hold anything, comes field 3; user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Bytes of a line of `/proc/PID/status` such as `VmRSS`; undefined where there is none. */
export function bytesOf(status: string, name: string): number | undefined {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024;
}

/** Also true of one that belongs to somebody else. */
export function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
