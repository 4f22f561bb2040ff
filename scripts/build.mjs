/** `npm run build`: npm's packages, then dist/. */
import { build, checkNode, installNodePackages } from "./setup.mjs";

checkNode();
installNodePackages();
build();
