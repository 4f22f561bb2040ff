/** errors/: the error type and the closed list of its codes. */
export { errorCodes, type ErrorCode } from "./codes.ts";
export { inArchive, WickError, isWickError, type ErrorDetails } from "./wick-error.ts";
