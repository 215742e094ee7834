import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/ends-or-fails.ts', 'test/leaves-nothing.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['src/syntax/**', 'src/inject/**', 'src/pool/**', 'src/cache/**'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: {
        'src/syntax/**': { branches: 95 },
        'src/inject/**': { branches: 95 },
        'src/pool/**': { branches: 95 },
        'src/cache/**': { branches: 95 },
      },
    },
  },
});
