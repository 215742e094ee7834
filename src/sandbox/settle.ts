/** What a worker does with its process before it loads anything; a fork server does it for its copies. */
import { readdirSync, rmdirSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

/** Added to the nice value of what runs skills: of a core that both want it gets a third of what the parent gets. */
const NICE = 5;

export function settle(): void {
  stepBack();
  removeFolder();
}

/**
 * A run that computes must not keep the parent from hearing of the others. Done here and not from outside: what stands
 * between the two (bubblewrap) may have made this process before anybody could tell it.
 */
function stepBack(): void {
  try {
    const nice = Math.min(getPriority() + NICE, constants.priority.PRIORITY_LOW);
    setPriority(nice);
    // Linux has one for each thread.
    if (process.platform === 'linux')
      for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), nice);
  } catch {
    // This system has other priorities, or its threads may not be seen: it works all the same.
  }
}

/** Its own working directory is removed at once: it stays empty, and nothing is left behind. */
function removeFolder(): void {
  try {
    rmdirSync(process.cwd());
  } catch {
    // Read-only, or refused by the permission flags: the parent removes it.
  }
}
