/**
 * In `ms`: what a busy machine may take for something that is done at once. What a test compares
 * with it would otherwise take far longer, or for ever.
 */
export const AT_ONCE_MS = 10_000;
