import * as fc from "fast-check";

/**
 * Generated cases are the same in every run, so that a change is judged by what it changed;
 * `WICK_SEED=random` looks for new ones.
 */
if (process.env["WICK_SEED"] !== "random") fc.configureGlobal({ seed: 20_261_124 });
