import type { Time } from "../../tree/index.ts";

/** Seconds that an inode's 32 bits and two epoch bits reach: 1901-12-13 to 2446-05-10. */
export const FIRST_SECOND = -(2 ** 31);
export const LAST_SECOND = 2 ** 34 - 2 ** 31 - 1;

/** Whether ext4 can store `time`. */
export function isStorable({ seconds }: Time): boolean {
  return seconds >= FIRST_SECOND && seconds <= LAST_SECOND;
}

/** `time`, or the nearest one that ext4 can store. */
export function clampTime(time: Time): Time {
  if (time.seconds < FIRST_SECOND) return { seconds: FIRST_SECOND, nanoseconds: 0 };
  if (time.seconds > LAST_SECOND) return { seconds: LAST_SECOND, nanoseconds: 999_999_999 };
  return time;
}

/** The two words of a time (fs/ext4/ext4.h ext4_encode_extra_time). */
export function encodeTime({ seconds, nanoseconds }: Time): { base: number; extra: number } {
  const signed = seconds | 0;
  const epoch = (seconds - signed) / 2 ** 32;
  return { base: signed >>> 0, extra: (nanoseconds * 4 + epoch) >>> 0 };
}
