/** Loads whatever the runtime reads from disk or sets up at first use: after the lock it could not. */

/** What is soon done, and what later could not be. */
export function preload(): void {
  use([
    new Date(0).getTimezoneOffset(),
    performance.now(),
    process.cpuUsage().user,
    process.resourceUsage().maxRSS,
    Buffer.from('é').toString('latin1'),
  ]);
  if (!hasOwnLocales()) preloadLocales();
}

/**
 * What takes long, and need not come before the lock: it is all in the program itself. A process that many are
 * copied from does it once for all of them.
 */
export function preloadLocales(): void {
  const date = new Date(0);
  for (const timeZone of ['UTC', 'Asia/Kathmandu', 'America/New_York'])
    date.toLocaleString('de', { timeZone });
  use([
    (1234.5).toLocaleString('ar'),
    'ä'.localeCompare('z', 'sv'),
    'e\u0301'.normalize('NFC'),
    new Intl.PluralRules('pl').select(5),
    new Intl.ListFormat('en').format(['a', 'b']),
    new Intl.RelativeTimeFormat('en').format(-1, 'day'),
    new Intl.DisplayNames('en', { type: 'region' }).of('CH'),
    [...new Intl.Segmenter('th', { granularity: 'word' }).segment('สวัสดี')].length,
    crypto.randomUUID(),
    new URL('https://äö.example/?a#b').href,
    /\p{Script=Greek}/u.test('α'),
  ]);
}

/** Whether Node was built with its own data of locales and time zones, as all of its releases are. */
function hasOwnLocales(): boolean {
  const { icu_gyp_path: builtBy } = process.config.variables as { icu_gyp_path?: string };
  return builtBy === 'tools/icu/icu-generic.gyp';
}

function use(values: readonly unknown[]): void {
  if (values.length === 0) throw new Error('unreachable');
}
