/**
 * Variables of the environment that are named as ours are and set nothing. A misspelt option stops the start: whoever
 * writes `SKILLCACHE_SANDBOX_REQUIER=kernel` means to be safer than he is. Others' variables do not.
 */
import { ConfigurationError } from '../errors.ts';
import { distanceMax, editDistance } from './edit-distance.ts';

const PREFIX = 'SKILLCACHE_';
const SHOWN_MAX = 40;

/**
 * Those that are nobody's option, nor like one.
 * @throws {ConfigurationError} naming those that are in a section of the options, or a few letters from one of them.
 */
export function unknownVariables(
  env: NodeJS.ProcessEnv,
  options: readonly string[],
  others: ReadonlySet<string>,
): string[] {
  const known = new Set([...options, ...others]);
  const isKnown = (name: string): boolean => known.has(name) || known.has(name.replace(/_FILE$/, ''));
  const unknown = Object.keys(env).filter((name) => name.startsWith(PREFIX) && env[name] && !isKnown(name));
  const issues = unknown.flatMap((name) => {
    const meant = meantBy(name, options);
    return meant === undefined ? [] : [{ path: name, message: `unknown option; ${meant}` }];
  });
  if (issues.length === 0) return unknown;
  const text = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new ConfigurationError(text, { details: { source: 'environment', issues } });
}

/** Undefined: no option. */
function meantBy(name: string, options: readonly string[]): string | undefined {
  const word = wordOf(name.replace(/_FILE$/, ''));
  const most = distanceMax(word);
  const near = options
    .map((option) => ({ option, distance: editDistance(word, wordOf(option), most) }))
    .filter(({ distance }) => distance <= most)
    .toSorted((left, right) => left.distance - right.distance);
  if (near[0]) return `did you mean ${near[0].option}?`;
  const own = sectionOf(name);
  const section = own === undefined ? [] : options.filter((option) => sectionOf(option) === own);
  if (section.length === 0) return undefined;
  const more = section.length > SHOWN_MAX ? ', …' : '';
  return `expected one of ${section.slice(0, SHOWN_MAX).join(', ')}${more}`;
}

/** Undefined for the options that are in none. */
function sectionOf(variable: string): string | undefined {
  return /^([A-Z]+)_./.exec(wordOf(variable))?.[1];
}

function wordOf(variable: string): string {
  return variable.slice(PREFIX.length);
}
