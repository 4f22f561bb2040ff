/** `--accel`: the values of {@link RunOptions.accel}. */
export const accelerators = ["auto", "tcg", "kvm"] as const;
