const UNITS = [
  ['week', 604_800_000, /^w(?:ee)?ks?$|^w$/],
  ['day', 86_400_000, /^d(?:ays?)?$/],
  ['hour', 3_600_000, /^h(?:ours?|rs?)?$/],
  ['minute', 60_000, /^m(?:in(?:ute)?s?)?$/],
  ['second', 1_000, /^s(?:ec(?:ond)?s?)?$/],
  ['millisecond', 1, /^m(?:illi)?s(?:ec(?:ond)?s?)?$/],
];

const unitMs = (word) => UNITS.find(([, , pattern]) => pattern.test(word.toLowerCase()))?.[1];

const clockMs = (text) => {
  const found = /^(\d+):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?$/.exec(text);
  return found && (Number(found[1]) * 60 + Number(found[2])) * 60_000 + Number(found[3] ?? 0) * 1_000;
};

const isoMs = (text) => {
  const found = /^P(?:([\d.]+)W)?(?:([\d.]+)D)?(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?$/i.exec(text);
  if (!found || found.slice(1).every((part) => part === undefined)) return null;
  const factors = [604_800_000, 86_400_000, 3_600_000, 60_000, 1_000];
  return factors.reduce((sum, factor, index) => sum + factor * Number(found[index + 1] ?? 0), 0);
};

const wordsMs = (text) => {
  const parts = [...text.replace(/\band\b|,/gi, ' ').matchAll(/\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*|(\S+)/gi)];
  return parts.reduce((sum, [part, amount, word]) => {
    const factor = word === undefined ? undefined : unitMs(word);
    if (factor === undefined)
      throw new RangeError(`cannot read ${JSON.stringify(part.trim())} in ${JSON.stringify(text)}`);
    return sum + Number(amount) * factor;
  }, 0);
};

const inWords = (ms) => {
  const words = [];
  let left = Math.round(ms);
  for (const [name, factor] of UNITS.slice(1)) {
    const amount = Math.floor(left / factor);
    left -= amount * factor;
    if (amount > 0) words.push(`${amount} ${name}${amount === 1 ? '' : 's'}`);
  }
  return words.join(' ') || '0 seconds';
};

const run = ({ text }) => {
  const trimmed = String(text).trim();
  const isNegative = trimmed.startsWith('-');
  const plain = isNegative ? trimmed.slice(1).trim() : trimmed;
  if (plain === '') throw new RangeError('text is empty: there is no duration');
  const ms = clockMs(plain) ?? isoMs(plain) ?? wordsMs(plain);
  if (!Number.isFinite(ms)) throw new RangeError(`${JSON.stringify(text)} is no duration`);
  return {
    ms: isNegative && ms !== 0 ? -ms : ms,
    words: (isNegative && ms !== 0 ? 'minus ' : '') + inWords(ms),
  };
};
