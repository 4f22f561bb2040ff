/** relay/: published ports that wick listens on, carried to the machine: by init, or over a TAP. */
export { ForwardedPorts } from "./forward.ts";
export { PublishedPorts } from "./publish.ts";
