import { WickError } from "../../errors/index.ts";
import { BRANCH_OPCODE, BRANCH_OPCODE_SHIFT, BRANCH_REACH, INSTRUCTION_BYTES } from "./layout.ts";

/** Where the branch `instruction`, itself at `position`, goes; undefined when it is no branch. */
export function branchTarget(instruction: number, position: number): number | undefined {
  if (instruction >>> BRANCH_OPCODE_SHIFT !== BRANCH_OPCODE) return undefined;
  const distance = (instruction << (32 - BRANCH_OPCODE_SHIFT)) >> (32 - BRANCH_OPCODE_SHIFT);
  return position + distance * INSTRUCTION_BYTES;
}

/** The instruction at `position` that goes to `target`. Errors: VALUE_OUT_OF_RANGE beyond 128 MiB. */
export function encodeBranch(position: number, target: number): number {
  const distance = target - position;
  const reaches = distance >= -BRANCH_REACH && distance < BRANCH_REACH;
  if (!reaches || distance % INSTRUCTION_BYTES !== 0) {
    throw new WickError(
      "VALUE_OUT_OF_RANGE",
      `Cannot branch from byte ${position} to byte ${target}: wanted a multiple of 4 within 128 MiB`,
    );
  }
  const immediate = (distance / INSTRUCTION_BYTES) & ((1 << BRANCH_OPCODE_SHIFT) - 1);
  return ((BRANCH_OPCODE << BRANCH_OPCODE_SHIFT) | immediate) >>> 0;
}
