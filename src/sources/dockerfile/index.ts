/** sources/dockerfile/: folders with a Dockerfile, through the builder that is installed. */
export { allowances, dockerfileIn, type Allowance } from "./context.ts";
export { dockerfileSource } from "./dockerfile.ts";
export { parseSecret } from "./secrets.ts";
export { PLAIN_BUILD, type DockerfileSettings } from "./request.ts";
