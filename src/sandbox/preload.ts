/** Loads whatever the runtime reads from disk or sets up at first use: after the lock it could not. */
import { createContext, Script } from 'node:vm';

export function preload(): void {
  const date = new Date(0);
  for (const timeZone of ['UTC', 'Asia/Kathmandu', 'America/New_York'])
    date.toLocaleString('de', { timeZone });
  const parts = [
    date.getTimezoneOffset(),
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
    performance.now(),
    process.cpuUsage().user,
    process.resourceUsage().maxRSS,
    Buffer.from('é').toString('latin1'),
    new Script('1').runInContext(createContext({})),
    /\p{Script=Greek}/u.test('α'),
  ];
  if (parts.length === 0) throw new Error('unreachable');
}
