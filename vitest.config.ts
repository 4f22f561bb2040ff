import { defineConfig } from "vitest/config";

/** Two projects: `unit` beside the code, `machine` for what boots or drives other people's tools. */
export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: ["test/support/bundled.ts"],
    env: { WICK_ACCEL: "tcg" }, // the same machines on every host; what `auto` does has tests
    setupFiles: ["test/support/seed.ts", "test/support/leaks-after-each.ts"],
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
  },
});
