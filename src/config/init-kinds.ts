/** Kinds of init that a root file system can be built with. */
export const initKinds = ["wick", "script", "app", "none"] as const;
