/** ar: the archives that Debian packages are. */
export { readAr, type ArMember } from "./reader.ts";
