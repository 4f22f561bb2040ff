/** How initramfs are compressed, by the kernel's names of its decompressors. */
export const decompressorNames = ["gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd"] as const;
export type DecompressorName = (typeof decompressorNames)[number];

/** What says that a kernel can do something. */
export interface FeatureMark {
  /** Option of its configuration, without `CONFIG_`; any one of several will do. */
  readonly options: readonly string[];
  /** Texts of the code itself: one of them in the kernel says that it is built in. */
  readonly texts: readonly string[];
  /** Without a text it is not built in: the code cannot be there without its messages. */
  readonly always?: boolean;
}

const built = (options: string[], texts: string[]): FeatureMark => ({
  options,
  texts,
  always: true,
});

/** Messages of lib/decompress_*.c; names in lib/decompress.c stand there for all, built or not. */
export const decompressorMarks: Readonly<Record<DecompressorName, FeatureMark>> = {
  gzip: built(["RD_GZIP"], ["Not a gzip file"]),
  bzip2: built(["RD_BZIP2"], ["Data integrity error when decompressing."]),
  lzma: built(["RD_LZMA"], ["LZMA data is corrupt"]),
  xz: built(["RD_XZ"], ["XZ decompressor ran out of memory"]),
  lzo: built(["RD_LZO"], ["dest len longer than block size"]),
  lz4: built(["RD_LZ4"], ["chunk length is longer than allocated"]),
  zstd: built(["RD_ZSTD"], ["ZSTD-compressed data is corrupt"]),
};

/** init/initramfs.c */
export const initrdMark = built(
  ["BLK_DEV_INITRD"],
  ["no cpio magic", "Initramfs unpacking failed"],
);

/** What a machine may need built in, or as a module. */
export const featureNames = [
  "tmpfs",
  "devtmpfs",
  "overlay",
  "ipPnp",
  "virtioPci",
  "virtioMmio",
  "virtioNet",
  "virtioBlk",
  "virtioConsole",
  "virtioBalloon",
  "vsock",
  "serialConsole",
] as const;
export type FeatureName = (typeof featureNames)[number];

export const featureMarks: Readonly<Record<FeatureName, FeatureMark>> = {
  tmpfs: { options: ["TMPFS"], texts: [] },
  devtmpfs: { options: ["DEVTMPFS"], texts: ["devtmpfs: mounted"] },
  overlay: { options: ["OVERLAY_FS"], texts: ["overlay.redirect_dir"] },
  ipPnp: { options: ["IP_PNP"], texts: ["IP-Config: "] },
  virtioPci: { options: ["VIRTIO_PCI"], texts: ["virtio_pci.force_legacy"] },
  virtioMmio: { options: ["VIRTIO_MMIO"], texts: ["LNRO0005"] },
  virtioNet: { options: ["VIRTIO_NET"], texts: ["virtio_net.napi_tx"] },
  virtioBlk: { options: ["VIRTIO_BLK"], texts: ["virtio_blk.queue_depth"] },
  virtioConsole: { options: ["VIRTIO_CONSOLE"], texts: ["virtio-ports"] },
  virtioBalloon: { options: ["VIRTIO_BALLOON"], texts: ["Out of puff! Can't get %u pages"] },
  vsock: { options: ["VIRTIO_VSOCKETS"], texts: ["vmw_vsock_virtio_transport"] },
  serialConsole: {
    options: ["SERIAL_8250_CONSOLE", "SERIAL_AMBA_PL011_CONSOLE"],
    texts: ["8250.nr_uarts"],
  },
};
