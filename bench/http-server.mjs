/** One of the two servers that `bench/http.mjs` asks: `bare` or `service`. Prints its port. */
import fastify from 'fastify';
import { zodCheck } from '../dist/http/route.js';
import { runBody } from '../dist/http/schemas.js';
import { startService } from '../dist/http/service.js';
import { programSchema } from '../dist/http-options.js';
import { SkillLibrary } from '../dist/library.js';

const { http } = programSchema.parse({ http: { port: 0 } });
const silent = { debug() {}, info() {}, warn() {}, error: console.error, isLevelEnabled: () => false };

if (process.argv[2] === 'bare') {
  const app = fastify({ logger: false });
  app.setValidatorCompiler(zodCheck);
  const answer = { id: '0b9cbe1e-7a53-4c8e-9d5e-3f0e4c1d2a10', skill: 'moving-average', version: 1 };
  app.post('/v1/skills/:name/run', { schema: { body: runBody(http) } }, async () => ({
    ...answer,
    output: [15, 40, 50],
    cached: true,
    durationMs: 0.01,
    logs: '',
  }));
  await app.listen({ host: '127.0.0.1', port: 0 });
  process.once('SIGTERM', () => {
    app.server.closeAllConnections();
    void app.close();
  });
  console.log(app.server.address().port);
} else {
  const library = await SkillLibrary.open({ path: ':memory:' });
  for await (const _ of library.import(new URL('../skills/moving-average', import.meta.url).pathname));
  const openTenant = () => Promise.reject(new Error('there is one tenant'));
  const service = await startService({ library, options: http, log: silent, version: '0', openTenant });
  service.ready();
  process.once('SIGTERM', async () => {
    await service.close(0);
    await library.close();
  });
  console.log(new URL(service.url).port);
}
