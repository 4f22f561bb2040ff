/**
 * `npm start`: sets up what is missing, then does wick's main job on real input: nginx from the
 * distribution's packages as a machine of its own, booted, its page fetched. See first-light.mjs.
 */
import { build, checkNode, forTheJob, installNodePackages, installPackages } from "./setup.mjs";

checkNode();
await installPackages(forTheJob);
installNodePackages();
build();
const { firstLight } = await import("./first-light.mjs");
process.exitCode = await firstLight();
