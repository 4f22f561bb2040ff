/** arm64-image: arm64's uncompressed kernel, its header, and the EFI application around one. */
export { branchTarget, encodeBranch } from "./branch.ts";
export { imageHeader } from "./layout.ts";
export {
  type Arm64Image,
  type ImageHeader,
  type ImageSubject,
  readArm64Image,
  readImageHeader,
} from "./reader.ts";
export { readZboot, type ZbootImage } from "./zboot.ts";
