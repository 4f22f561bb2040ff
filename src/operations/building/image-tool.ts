import type { ContentPlan } from "../../config/index.ts";
import { findProgram, statOf } from "../../host/index.ts";

/** The program of the host's that writes images of the plan's format; undefined: wick does. */
function toolOf({ format, compression }: ContentPlan): string | undefined {
  if (format === "squashfs") return "mksquashfs";
  if (format === "initramfs") return compression?.name === "gzip" ? undefined : compression?.name;
  return format === "erofs" && compression !== undefined ? "mkfs.erofs" : undefined;
}

/** Changes when that program does: another version compresses to other bytes. */
export function toolIdentity(plan: ContentPlan): string | undefined {
  const tool = toolOf(plan);
  const path = tool === undefined ? undefined : findProgram(tool);
  if (path === undefined) return undefined;
  const status = statOf(path);
  return `${path} ${status?.size} ${status?.mtimeMs}`;
}
