// Starts a batch, or resumes it, and tells of each item. Runs until it is done, or killed.
import { Batches, SkillLibrary } from '../../dist/index.js';

const { path, id, skill, options } = JSON.parse(process.argv[2]);
const library = await SkillLibrary.open({ path, workers: { min: 0, concurrency: 2 } });
const batches = new Batches(library);
const known = await batches.status(id).catch(() => undefined);
const batch = known ? await batches.resume(id) : await batches.start(skill, { ...options, id });
process.stdout.write('ready\n');
for await (const { index } of batch) process.stdout.write(`${index}\n`);
await library.close();
