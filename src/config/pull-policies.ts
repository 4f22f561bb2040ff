/** When a registry is asked for an image. */
export const pullPolicies = ["missing", "always", "never"] as const;

/** `missing`: only for what is not here; `never`: what is not here is an error. */
export type PullPolicy = (typeof pullPolicies)[number];
