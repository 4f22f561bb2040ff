/** store/: blobs by digest, what names resolved to, finished images; whole or absent, always. */
export { openStore, type Store } from "./store.ts";
export type { BlobStore, Download, FetchOptions, ListedBlob } from "./blobs.ts";
export { digestOfFile } from "./digest.ts";
export type { ImageFacts } from "./image-record.ts";
export type { ImageStore, ListedImage, MakeOptions, StoredImage } from "./images.ts";
export type { BlobId } from "./layout.ts";
export type { NameStore, StoredName } from "./names.ts";
export type { PartialBlob } from "./partial-blob.ts";
export type { Place } from "./places.ts";
export { blobsOf, referencedBlobs } from "./references.ts";
export type { SpoolFile } from "./spool.ts";
