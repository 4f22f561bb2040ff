/** bin: one program of the host, with the libraries that it needs. */
export { type BinOptions, binSource } from "./bin.ts";
