/** fdt: flattened device trees. */
export { readDeviceTree } from "./reader.ts";
export {
  addressValue,
  type DeviceNode,
  type DeviceProperty,
  type DeviceTree,
  textValue,
} from "./tree.ts";
export { encodeDeviceTree } from "./writer.ts";
