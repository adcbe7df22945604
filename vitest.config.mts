import { defineConfig } from 'vitest/config';

const common = { pool: 'forks' as const, environment: 'node' as const, setupFiles: ['./test/setup.ts'] };

/** Fetches and builds what is too large for every run: `npm run test:large`. */
const large = {
  test: {
    ...common,
    name: 'large',
    include: ['test/large/**/*.test.ts'],
    fileParallelism: false,
    sequence: { groupOrder: 3 },
  },
};

/** Other releases of bpftrace, and a guest with another kernel: `npm run test:matrix`. */
const matrix = {
  test: {
    ...common,
    name: 'matrix',
    include: ['test/matrix/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 600_000,
    sequence: { groupOrder: 4 },
  },
};

export default defineConfig({
  test: {
    reporters: ['default', './scripts/test-reporter.ts'],
    projects: [
      { test: { ...common, name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000 } },
      {
        test: {
          ...common,
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          // Real engines share one kernel: one file at a time keeps their figures apart.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      ...(process.env['PROBESCOPE_LARGE'] === '1' ? [large] : []),
      ...(process.env['PROBESCOPE_MATRIX'] === '1' ? [matrix] : []),
      {
        test: {
          ...common,
          name: 'oracles',
          include: ['test/oracles/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          ...common,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          // a browser on two busy cores drops a key press at times; a failure counts when it comes three times
          retry: 2,
          // a workbench answers when it can: what is awaited is held against the clock in bench only
          expect: { poll: { timeout: 20_000, interval: 100 } },
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
