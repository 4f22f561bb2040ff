/** application/: what the machine runs, merged from image, recipe and user, and resolved. */
export type { AppConfig } from "./config.ts";
