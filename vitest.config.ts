import { defineConfig } from "vitest/config";

/** Two projects: `unit` beside the code, `machine` for what boots or drives other people's tools. */
export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: ["test/support/bundled.ts"],
    setupFiles: ["test/support/seed.ts", "test/support/leaks-after-each.ts"],
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
  },
});
