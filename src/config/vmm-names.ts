export const vmmNames = ["auto", "qemu", "firecracker"] as const;
