// The library that bench/store.mjs measures: skills of made-up words, some hundred bytes of text and 1 KB of code each.
import { createHash } from 'node:crypto';
import { openSqliteStore } from '../dist/store/sqlite/sqlite-store.js';

export const storeOptions = {
  readonly: false,
  readers: {
    min: 0,
    max: 2,
    overflowMax: 0,
    acquireTimeoutMs: 60_000,
    waitingMax: 100_000,
    idleTimeoutMs: 300_000,
    usesMax: 1e9,
    ageMaxMs: 3_600_000,
    leakThresholdMs: 60_000,
    revokeLeaks: false,
  },
  busyTimeoutMs: 10_000,
  writesWaitingMax: 100_000,
  runsMax: 1_000,
  runAgeMaxMs: 1e12,
  resultsMax: 1e6,
  resultBytesMax: 1e8,
  versionsMax: 1_000,
  versionAgeMaxMs: 1e13,
};

const NOUNS =
  'price series table column text token date range matrix vector graph node edge path tree list queue color image sound file row index weight score rate tax loan bond stock market city route map point line polygon circle angle word sentence letter digit'.split(
    ' ',
  );
const VERBS =
  'compute parse render sort filter merge split count rank score convert format validate encode decode compress search match sample smooth fit plot group join reverse rotate scale shift trim round'.split(
    ' ',
  );
let seed = 1;
const random = (n) => (seed = (seed * 48_271) % 2_147_483_647) % n;
const pick = (words) => words[random(words.length)];

/** Five words that tell something, and those around them. */
export const question = () =>
  `How do I ${pick(VERBS)} the ${pick(NOUNS)} of a ${pick(NOUNS)} and ${pick(VERBS)} it by ${pick(NOUNS)}?`;

const PLAN = {
  format: 1,
  language: 'javascript',
  holes: [],
  refused: [],
  answers: [],
  imports: [],
  hasTopLevelAwait: false,
  boundNames: [],
  edits: [],
};

export function skill(number, codeBytes = 1_000) {
  const [verb, noun, other] = [pick(VERBS), pick(NOUNS), pick(NOUNS)];
  const name = `${verb}-${noun}-${number}`;
  const code = `export function ${verb}${noun}(${other}) { /* ${'x'.repeat(codeBytes)} */ return ${number}; }`;
  return {
    name,
    digest: createHash('sha256')
      .update(name + code)
      .digest('hex'),
    definition: {
      name,
      description: `${verb} the ${noun} of each ${other}, ${pick(VERBS)} and ${pick(VERBS)} by ${pick(NOUNS)}`,
      code,
      language: 'javascript',
      parameters: {},
      tags: [noun],
      requires: [],
      examples: [],
      pure: 'auto',
      capabilities: [],
      limits: {},
    },
    analysis: {
      plan: PLAN,
      capabilities: { flags: [], freeNames: [] },
      pure: { decided: true, because: [] },
      requires: [],
    },
  };
}

/** Makes a library of `size` skills; how many a second. */
export async function fill(path, size) {
  const store = await openSqliteStore({ ...storeOptions, path });
  const start = performance.now();
  for (let done = 0; done < size; done += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, size - done) }, (_, index) => skill(done + index));
    await Promise.all(batch.map((next) => store.add(next)));
  }
  const perSecond = (size / (performance.now() - start)) * 1_000;
  await store.close();
  return perSecond;
}
