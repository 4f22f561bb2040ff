/** initramfs-list: the lists of files that the kernel's build makes its initramfs of. */
export type { ListEntry, ReadListEntry } from "./entry.ts";
export { readInitramfsList } from "./reader.ts";
export { expandLocation, type ListVariables } from "./variables.ts";
export { initramfsListComment, initramfsListLine } from "./writer.ts";
