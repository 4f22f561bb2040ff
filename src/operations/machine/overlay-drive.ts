import { uuidText } from "../../bytes/index.ts";
import { createExt4 } from "../../formats/ext4/index.ts";
import { FileStorage } from "../../host/index.ts";
import { Tree } from "../../tree/index.ts";
import { uuidFrom } from "../common/uuid.ts";

/** What one run may write; sparse, so that it costs what is really written. */
const OVERLAY_BYTES = 1 << 30;

/** Writes the empty drive that takes one run's changes; gives its UUID. */
export function writeOverlayDrive(path: string, imageUuid: string): string {
  using storage = new FileStorage(path, "create");
  const uuid = uuidFrom("overlay", imageUuid);
  // It is thrown away after the run: no journal to write everything twice.
  const image = createExt4(storage, {
    sizeBytes: OVERLAY_BYTES,
    journal: false,
    uuid,
    label: "wick-overlay",
    warn: () => undefined,
  });
  image.finish(new Tree());
  return uuidText(uuid);
}
