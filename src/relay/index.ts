/** relay/: published ports that wick listens on, carried over one byte stream to the guest's init. */
export { PublishedPorts } from "./publish.ts";
