/** sources/image-files/: images in OCI layouts and in archives, of files of this machine. */
export {
  type ArchiveKind,
  archiveSource,
  guessedSource,
  type ImageFileOptions,
  type ImagePath,
  layoutSource,
  openArchive,
  openStream,
} from "./archive.ts";
